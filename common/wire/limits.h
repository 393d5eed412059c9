/// Bounds of the wire protocol (docs/PROTOCOL.md, "Framing").
#pragma once

#include <cstddef>

namespace hubseal::wire {

constexpr int kProtocolVersion = 1;
constexpr std::size_t kMaxLineBytes = 1 << 20;  ///< 1 MiB, the line feed not counted
constexpr std::size_t kMaxIdBytes = 64;         ///< a request's id
constexpr std::size_t kMaxOpBytes = 64;         ///< an operation's name
constexpr std::size_t kMaxDepth = 6;            ///< nested objects and lists
constexpr std::size_t kMaxMembers = 64;         ///< of one object, and items of one list
constexpr std::size_t kMaxValues = 512;         ///< of a request in all

}  // namespace hubseal::wire
