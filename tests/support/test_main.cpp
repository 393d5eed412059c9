// BOOST_TEST_MODULE comes from the build: one program per folder of tests/unit.
#include <boost/test/unit_test.hpp>
