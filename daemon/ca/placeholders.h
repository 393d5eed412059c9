/// The words of profiles that stand for something else.
#pragma once

#include <string>
#include <string_view>

namespace hubseal::ca {

constexpr std::string_view kSubject = "{subject}";            ///< the participant's id
constexpr std::string_view kCa = "{ca}";                      ///< the CA: its attribute, or its name in a URL
constexpr std::string_view kOrganization = "{organization}";  ///< of the participant, as registered
constexpr std::string_view kCountry = "{country}";            ///< likewise

/// `text` with every `placeholder` replaced.
inline std::string filled_in(std::string text, std::string_view placeholder, std::string_view value) {
  for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos; at += value.size())
    text.replace(at, placeholder.size(), value);
  return text;
}

}  // namespace hubseal::ca
