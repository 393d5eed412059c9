#pragma once

#include <string>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// What a client is told of the connection that an answer goes over.
struct Carrier {
  bool keep_alive;
  bool secure;  ///< TLS
};

/// Status line and headers of an answer, with the empty line behind them. Written by hand: Poco's own makes a stream
/// for each, which takes four times as long. Throws std::logic_error where a header has a line end or a null byte in
/// it.
std::string response_head(const Answer& answer, const std::string& correlation_id, Carrier carrier);

}  // namespace hubseal::agent::http
