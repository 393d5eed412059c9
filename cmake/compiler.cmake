# Language level, warnings and hardening: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# A library that is only needed by an archive member nobody uses must not end up in the daemon.
add_link_options(LINKER:--as-needed)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Everything is included from the root, so that each include shows which way it points.
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
                    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>
                    -Wimplicit-fallthrough -Wswitch-enum -Wvla -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 at -O2 takes a Result inside TRY's statement expression for memory that was never allocated.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-free-nonheap-object>)
endif()
add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection
                    -fno-strict-aliasing)
if(HUBSEAL_WERROR)
  add_compile_options(-Werror)
endif()

if(HUBSEAL_SANITIZE)
  # Bounds of the standard library's containers are checked as well.
  add_compile_options(-fsanitize=${HUBSEAL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HUBSEAL_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
else()
  add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
if(HUBSEAL_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(HUBSEAL_FUZZ)
  # What libFuzzer steers by; its own main is linked into the targets of tests/fuzz only.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
