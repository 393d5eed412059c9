/* Messages of the hub, signed by hubseald over jws.sock (docs/JWS.md). C11, POSIX, no other library.
 *
 *   struct hubseal_jws *signer = hubseal_jws_open("/run/hubseal/jws.sock", 10000);
 *   struct hubseal_jws_message message = {.key = "hub-jws", .method = "PUT", .uri = uri, .source = "hub",
 *                                         .destination = "bank1", .body = body, .body_size = size};
 *   struct hubseal_jws_headers headers;
 *   if (hubseal_jws_sign(signer, &message, &headers) != 0) puts(hubseal_jws_error(signer));
 */
#ifndef HUBSEAL_JWS_H
#define HUBSEAL_JWS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A connection to hubseald, made when it is first needed and again when it was lost. Threads: one at a time. */
struct hubseal_jws;

/* What is to be signed. Text ends with NUL and is UTF-8; the caller's. destination and date may be null. */
struct hubseal_jws_message {
  const char* key;         /* label at hubseald */
  const char* method;      /* in capitals */
  const char* uri;         /* where the request goes */
  const char* source;      /* FSPIOP-Source: an id of the hub */
  const char* destination; /* FSPIOP-Destination */
  const char* date;        /* Date, as it is sent */
  const void* body;        /* what is sent, byte for byte; at most 525 KiB */
  size_t body_size;
};

/* Values of the headers that are sent besides those that were given, ending with NUL. */
struct hubseal_jws_headers {
  char signature[32768]; /* FSPIOP-Signature */
  char uri[2049];        /* FSPIOP-URI */
  char method[17];       /* FSPIOP-HTTP-Method */
};

/* `timeout_ms`: how long an answer may take, 1 or more. Null when there is no memory. Asks nothing yet. */
struct hubseal_jws* hubseal_jws_open(const char* socket_path, int timeout_ms);
void hubseal_jws_close(struct hubseal_jws* signer); /* null is fine */

/* 0, or -1: hubseal_jws_error() says why. hubseal_jws_code() has hubseald's word for it (docs/PROTOCOL.md, "Errors"),
 * or "" where it was not hubseald that refused. */
int hubseal_jws_sign(struct hubseal_jws* signer, const struct hubseal_jws_message* message,
                     struct hubseal_jws_headers* headers);
const char* hubseal_jws_error(const struct hubseal_jws* signer);
const char* hubseal_jws_code(const struct hubseal_jws* signer);

#ifdef __cplusplus
}
#endif
#endif
