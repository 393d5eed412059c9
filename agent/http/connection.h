#pragma once

#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/TCPServerConnection.h>

#include "agent/http/header_block.h"
#include "agent/http/pipeline.h"
#include "agent/http/watch.h"
#include "common/result.h"

namespace hubseal::agent::http {

class Session;

/// One client's connection: reads requests, hands each to the pipeline, writes the answers.
///
/// Poco's own HTTPServerConnection is not used: it takes a header that ends with the connection for
/// a complete one, reads unframed bodies to the end of the stream, leaves unread bodies to be taken
/// for the next request, and has no deadline for a request as a whole.
class Connection final : public Poco::Net::TCPServerConnection {
 public:
  Connection(const Poco::Net::StreamSocket& socket, Poco::Net::HTTPServerParams::Ptr params, const Pipeline& pipeline,
             Watch& watch, bool secure);

  void run() override;

 private:
  /// False: the connection is done.
  bool serve_one(Session& session, Watch::Entry& entry);
  Answer read_and_answer(Session& session, Watch::Entry& entry, HeaderBlock& block, const std::string& correlation_id);
  /// False: not all of it was sent. A body that is secret is wiped in any case.
  bool send(Session& session, Answer& answer, const std::string& correlation_id, bool keep_alive,
            bool headers_only) const;

  Poco::Net::HTTPServerParams::Ptr params_;
  const Pipeline& pipeline_;
  Watch& watch_;
  const bool secure_;
  std::string peer_;  ///< address and port
};

}  // namespace hubseal::agent::http
