#include "cli/ceremony/pin_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "common/bytes.h"
#include "common/files.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::cli;

namespace {

struct Folder {
  test::TempDir folder;
  const std::filesystem::path path = folder.path();
};

unsigned mode_of(const std::filesystem::path& path) {
  struct stat info {};
  BOOST_TEST_REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pin_file)

BOOST_FIXTURE_TEST_CASE(a_new_pin_has_192_bits_of_base64url_in_a_file_for_its_owner_only, Folder) {
  const auto file = path / "secrets" / "pin";
  BOOST_TEST((ensure_pin_file(file).value() == PinFile::made));
  BOOST_TEST(mode_of(file) == 0600u);
  BOOST_TEST(mode_of(path / "secrets") == 0700u);
  const SecretBytes pin = read_secret_line(file, 256).value();
  BOOST_TEST(from_base64url(as_text(pin.bytes())).value().size() == 24u);
}

BOOST_FIXTURE_TEST_CASE(two_pins_differ, Folder) {
  BOOST_TEST(ensure_pin_file(path / "a").has_value());
  BOOST_TEST(ensure_pin_file(path / "b").has_value());
  BOOST_TEST(read_file(path / "a", 256, Trust::secret).value() != read_file(path / "b", 256, Trust::secret).value());
}

BOOST_FIXTURE_TEST_CASE(a_file_that_is_there_is_never_touched, Folder) {
  std::ofstream(path / "pin") << "1234";
  BOOST_TEST((ensure_pin_file(path / "pin").value() == PinFile::was_there));
  BOOST_TEST(read_file(path / "pin", 256, Trust::any).value() == "1234");
}

BOOST_FIXTURE_TEST_CASE(a_link_is_not_followed, Folder) {
  std::filesystem::create_symlink(path / "elsewhere", path / "pin");
  BOOST_TEST((ensure_pin_file(path / "pin").value() == PinFile::was_there));
  BOOST_TEST(!std::filesystem::exists(path / "elsewhere"));
}

BOOST_FIXTURE_TEST_CASE(a_folder_of_somebody_else_is_refused_with_the_user_to_be, Folder) {
  const auto refused = ensure_pin_file(::geteuid() == 0 ? "/proc/self/nowhere/pin" : "/etc/pin");
  BOOST_TEST(!refused.has_value());
  if (::geteuid() != 0) return;
  BOOST_TEST_REQUIRE(::chown(path.c_str(), 12345, 12345) == 0);
  const auto other = ensure_pin_file(path / "pin");
  BOOST_TEST_REQUIRE(!other.has_value());
  BOOST_TEST((other.error().code == Code::bad_request));
  BOOST_TEST(other.error().message.find("uid 12345") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
