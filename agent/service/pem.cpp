#include "agent/service/pem.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n";
constexpr std::string_view kBegin = "-----BEGIN ";

tl::unexpected<Error> refuse(std::string_view what, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("Invalid {}: {}", what, problem));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

}  // namespace

Result<Bytes> der_of_block(std::string_view pem, std::string_view label, std::string_view what) {
  const std::string begin = fmt::format("{}{}-----", kBegin, label);
  const std::string end_line = fmt::format("-----END {}-----", label);
  const std::string_view block = trimmed(pem);
  if (block.empty()) return refuse(what, fmt::format("it is empty; wanted {}", begin));
  if (!block.starts_with(begin))
    return refuse(what, fmt::format("it begins with \"{}\"; wanted {}", log::printable(block, 40), begin));
  const std::string_view body = block.substr(begin.size());
  const std::size_t end = body.find(end_line);
  if (end == std::string_view::npos) return refuse(what, fmt::format("the line {} is missing", end_line));
  if (end + end_line.size() != body.size())
    return refuse(what, "something follows the block; wanted one PEM block and nothing else");
  std::string base64;
  for (const char c : body.substr(0, end))
    if (kWhiteSpace.find(c) == std::string_view::npos) base64 += c;
  auto der = from_base64(base64);
  if (!der) return refuse(what, "what stands in the PEM block is not base64");
  return der;
}

Result<std::vector<std::string_view>> split_blocks(std::string_view pem, std::string_view what,
                                                   std::size_t max_blocks) {
  std::vector<std::string_view> blocks;
  for (std::string_view rest = trimmed(pem); !rest.empty();) {
    if (!rest.starts_with(kBegin))
      return refuse(what, fmt::format("it has \"{}\" where a PEM block should begin", log::printable(rest, 40)));
    if (blocks.size() == max_blocks)
      return fail(Code::too_large, fmt::format("the {} has more than {} PEM blocks", what, max_blocks));
    const std::size_t next = std::min(rest.find(kBegin, kBegin.size()), rest.size());
    blocks.push_back(rest.substr(0, next));
    rest.remove_prefix(next);
  }
  return blocks;
}

Result<std::vector<std::string>> blocks_of(std::string_view pem, std::string_view what, std::size_t max_blocks) {
  std::vector<std::string> blocks;
  for (const std::string_view block : TRY(split_blocks(pem, what, max_blocks)))
    blocks.emplace_back(block.substr(0, block.find_last_not_of("\r\n") + 1));
  return blocks;
}

}  // namespace hubseal::agent
