#include "common/x509/chain.h"

#include <fmt/format.h>

namespace hubseal::x509 {
namespace {

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";

}  // namespace

Result<std::vector<Certificate>> parse_chain(std::string_view pem) {
  if (pem.size() > kMaxChainPem)
    return fail(Code::too_large, fmt::format("a chain of {} characters; at most {}", pem.size(), kMaxChainPem));
  std::vector<Certificate> chain;
  std::size_t begin = pem.find(kBegin);
  while (begin != std::string_view::npos) {
    const std::size_t next = pem.find(kBegin, begin + kBegin.size());
    chain.push_back(TRY(Certificate::parse(pem.substr(begin, next - begin))));
    if (chain.size() > kMaxChain)
      return fail(Code::too_large, fmt::format("a chain of more than {} certificates", kMaxChain));
    begin = next;
  }
  if (chain.empty())
    return fail(Code::bad_request, "no chain: wanted the certificates from who signed up to the root, PEM");
  return chain;
}

std::string chain_pem(const std::vector<Certificate>& chain) {
  std::string pem;
  for (const Certificate& certificate : chain) pem += certificate.to_pem();
  return pem;
}

}  // namespace hubseal::x509
