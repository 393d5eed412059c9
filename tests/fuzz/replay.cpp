// What ctest does with the corpora where there is no libFuzzer: runs files and folders of inputs through a fuzz target,
// each as it is, and then so many times as a seeded generator changes it.
//   usage: fuzz_NAME MUTATIONS FILE_OR_FOLDER...
// The seed is printed; HUBSEAL_SEED takes it back. What ended the program is printed in hexadecimal (xxd -r -p).
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kMaxGrown = 64 * 1024;  // bytes; an input of the corpus may have more

using Random = std::mt19937_64;

struct Input {
  std::string name;
  std::string bytes;
};

/// Null between inputs: what ends the program then, such as a leak that is found at its exit, is no input's.
std::string_view running;

/// Only what a signal handler may do.
void show_running() {
  if (!running.data()) return;
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto out = [](std::string_view text) {
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
  };
  out("ended by this input: ");
  for (const char c : running) {
    const auto byte = static_cast<unsigned char>(c);
    const std::array digits = {kDigits[byte >> 4], kDigits[byte & 15]};
    out({digits.data(), digits.size()});
  }
  out("\n");
}

void at_signal(int signal) {
  show_running();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void watch() {
  std::signal(SIGABRT, &at_signal);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  __sanitizer_set_death_callback(&show_running);
#else
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) std::signal(signal, &at_signal);
#endif
}

void run(std::string_view bytes) {
  running = bytes;
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  running = {};
}

/// What parsers stumble over: ends of ranges, lengths of DER, marks of JSON, TOML, PEM, HTTP and SQL.
constexpr std::string_view kTokens[] = {"0",
                                        "-1",
                                        "1e9",
                                        "4294967296",
                                        "9223372036854775807",
                                        "-9223372036854775808",
                                        "18446744073709551616",
                                        "\"",
                                        "\\",
                                        "\\u0000",
                                        "{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\n",
                                        "\r\n",
                                        "\r\n\r\n",
                                        "-----BEGIN ",
                                        "-----END ",
                                        "'",
                                        ";",
                                        "=",
                                        "null",
                                        "\x30\x80",
                                        "\x30\x84\xff\xff\xff\xff",
                                        "\x02\x01\x80",
                                        "\xc0\x80",
                                        "\xe2\x80\xae"};

std::size_t below(Random& random, std::size_t end) { return static_cast<std::size_t>(random() % end); }

/// Some bytes of `text` that follow each other; few more often than many.
std::string_view piece_of(std::string_view text, Random& random) {
  const std::size_t from = below(random, text.size() + 1);
  const std::size_t most = below(random, 2) == 0 ? 8 : text.size();
  return text.substr(from, below(random, most + 1));
}

void change(std::string& bytes, const std::vector<Input>& all, Random& random) {
  const std::size_t at = below(random, bytes.size() + 1);
  const auto random_byte = [&random] { return static_cast<char>(random() & 0xff); };
  switch (below(random, 8)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = random_byte();
      break;
    case 2: bytes.insert(at, 1 + below(random, 8), random_byte()); break;
    case 3: bytes.erase(at, piece_of(bytes, random).size()); break;
    case 4: bytes.insert(at, std::string(piece_of(bytes, random))); break;
    case 5: bytes.insert(at, kTokens[below(random, std::size(kTokens))]); break;
    case 6: {
      const std::string_view token = kTokens[below(random, std::size(kTokens))];
      bytes.replace(at, token.size(), token);
      break;
    }
    default: {
      const std::string_view piece = piece_of(all[below(random, all.size())].bytes, random);
      bytes.replace(at, below(random, 2) == 0 ? piece.size() : 0, piece);
    }
  }
}

std::string changed(const Input& input, const std::vector<Input>& all, Random& random) {
  std::string bytes = input.bytes;
  for (std::size_t changes = 1 + below(random, 4); changes > 0; --changes) change(bytes, all, random);
  bytes.resize(std::min(bytes.size(), std::max(kMaxGrown, input.bytes.size())));
  return bytes;
}

/// In the order of their names: the same inputs after each other for the same seed.
bool read_all(const std::filesystem::path& path, std::vector<Input>& inputs) {
  if (!std::filesystem::exists(path)) {
    std::fprintf(stderr, "%s is not there\n", path.c_str());
    return false;
  }
  std::vector<std::filesystem::path> files = {path};
  if (std::filesystem::is_directory(path)) files.assign(std::filesystem::directory_iterator(path), {});
  std::sort(files.begin(), files.end());
  for (const auto& name : files) {
    std::ifstream file(name, std::ios::binary);
    inputs.push_back({name.filename().string(), std::string(std::istreambuf_iterator<char>(file), {})});
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const unsigned long mutations = std::strtoul(argv[1], nullptr, 10);
  const char* const given = std::getenv("HUBSEAL_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::vector<Input> inputs;
  for (int i = 2; i < argc; ++i)
    if (!read_all(argv[i], inputs)) return 1;
  watch();
  std::printf("HUBSEAL_SEED=%llu\n", static_cast<unsigned long long>(seed));
  Random random(seed);
  for (const Input& input : inputs) {
    std::printf("%s\n", input.name.c_str());
    std::fflush(stdout);  // the last name tells which input ended the program
    run(input.bytes);
    for (unsigned long i = 0; i < mutations; ++i) {
      const std::string bytes = changed(input, inputs, random);
      run(bytes);
    }
  }
  return inputs.empty() ? 1 : 0;
}
