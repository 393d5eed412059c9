// One file that is whole by itself: no scripts, nothing fetched, and a policy in it that says so.
#include <fmt/format.h>

#include "cli/conformance/report.h"
#include "cli/table.h"
#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::cli::conformance {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --line: #c8ccd0; --soft: #5a6068; --met: #1a6b34; --partly: #7a5200; --bad: #a3171d; --page: #fff; --text: #16191d; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3c434b; --soft: #a3abb5; --met: #6fce8d; --partly: #e5b95c; --bad: #ff8f8a; --page: #14171a; --text: #e8eaed; }
}
@media print {
  :root { color-scheme: light; --line: #999; --soft: #444; --met: #1a6b34; --partly: #7a5200; --bad: #a3171d; --page: #fff; --text: #000; }
  article { break-inside: avoid; }
  body { max-width: none; margin: 0; }
}
body { font: 16px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: var(--page); color: var(--text); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
h2 { margin-top: 2.5rem; border-bottom: 2px solid var(--line); padding-bottom: .25rem; }
article { border-top: 1px solid var(--line); padding: .75rem 0; }
h2 + article { border-top: 0; }
h3 { margin: 0; font-size: 1rem; display: flex; justify-content: space-between; gap: 1rem; }
.met { color: var(--met); } .partly, .unknown { color: var(--partly); } .not-met { color: var(--bad); } .not-applicable { color: var(--soft); }
p { margin: .25rem 0; } .wanted { color: var(--soft); }
ul { margin: .4rem 0; padding-left: 0; list-style: none; }
li { overflow-wrap: anywhere; padding-left: 6.5rem; text-indent: -6.5rem; }
.says { display: inline-block; width: 6.5rem; text-indent: 0; color: var(--soft); }
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : display_text(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

/// "not-met", the class that colours it.
std::string class_of(Verdict verdict) {
  std::string name(to_string(verdict));
  for (char& c : name)
    if (c == ' ') c = '-';
  return name;
}

/// Nothing but this page's own style, known by its hash.
std::string content_policy() {
  return fmt::format("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
                     to_base64(sha256(as_bytes(kStyle))));
}

std::string head() {
  return fmt::format(
      "{}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"referrer\" content=\"no-referrer\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>HubSeal: conformance</title>\n<style>{}</style>\n</head>\n",
      kPageStart, content_policy(), kStyle);
}

std::string article(const Judged& judged) {
  const Verdict verdict = judged.finding.verdict();
  std::string html =
      fmt::format("<article>\n<h3>{} <span class=\"{}\">{}</span></h3>\n<p>{}</p>\n", escaped(judged.clause->id),
                  class_of(verdict), to_string(verdict), escaped(judged.clause->rule));
  if (!judged.finding.evidence().empty()) {
    html += "<ul>\n";
    for (const Evidence& piece : judged.finding.evidence())
      html += fmt::format("<li><span class=\"says\">{}</span> {}</li>\n", to_string(piece.mark), escaped(piece.text));
    html += "</ul>\n";
  }
  return html + fmt::format("<p class=\"wanted\">Wanted: {}</p>\n</article>\n", escaped(judged.clause->wanted));
}

}  // namespace

std::string to_html(const Report& report) {
  std::string html = head() + "<body>\n<h1>Conformance of a HubSeal installation</h1>\n<dl>\n";
  for (const auto& [name, value] : report.heading())
    html += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(value));
  html += fmt::format("</dl>\n<p><strong>{}</strong></p>\n", escaped(report.summary()));
  const Section* section = nullptr;
  for (const Judged& judged : report.clauses) {
    if (judged.section != section) html += fmt::format("<h2>{}</h2>\n", escaped(judged.section->title));
    section = judged.section;
    html += article(judged);
  }
  return html + "</body>\n</html>\n";
}

}  // namespace hubseal::cli::conformance
