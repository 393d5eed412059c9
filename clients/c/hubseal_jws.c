#define _POSIX_C_SOURCE 200809L /* before the first header: -std=c11 alone leaves POSIX away */

#include "hubseal_jws.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINE = 1 << 20 }; /* bytes, as docs/PROTOCOL.md has it */

struct hubseal_jws {
  struct sockaddr_un address;
  int is_cut; /* the path was too long: what is left of it names another file */
  int timeout_ms;
  int fd; /* -1: not connected */
  char code[32];
  char error[512];
  size_t size;         /* of the line so far */
  char line[MAX_LINE]; /* asked, then answered */
};

static int fail(struct hubseal_jws* signer, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(signer->error, sizeof signer->error, format, arguments);
  va_end(arguments);
  return -1;
}

/* ---- the request ---- */

static int put(struct hubseal_jws* signer, const char* bytes, size_t size) {
  if (size >= MAX_LINE - signer->size) return fail(signer, "the message is too large to be asked for in one line");
  memcpy(signer->line + signer->size, bytes, size);
  signer->size += size;
  return 0;
}

static int put_text(struct hubseal_jws* signer, const char* text) { return put(signer, text, strlen(text)); }

/* ,"name":"value" with what JSON wants escaped (RFC 8259 section 7). */
static int put_member(struct hubseal_jws* signer, const char* name, const char* value) {
  if (!value) return 0;
  if (put_text(signer, ",\"") || put_text(signer, name) || put_text(signer, "\":\"")) return -1;
  for (const unsigned char* next = (const unsigned char*)value; *next; ++next) {
    char escaped[8];
    int size = 1;
    escaped[0] = (char)*next;
    if (*next == '"' || *next == '\\')
      size = snprintf(escaped, sizeof escaped, "\\%c", *next);
    else if (*next < 0x20)
      size = snprintf(escaped, sizeof escaped, "\\u%04x", *next);
    if (put(signer, escaped, (size_t)size)) return -1;
  }
  return put_text(signer, "\"");
}

/* base64url without padding (RFC 4648 section 5). */
static int put_body(struct hubseal_jws* signer, const unsigned char* body, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  if (size == 0) return 0;
  if (put_text(signer, ",\"body\":\"")) return -1;
  for (size_t i = 0; i < size; i += 3) {
    const size_t left = size - i < 3 ? size - i : 3;
    const uint32_t bits =
        (uint32_t)body[i] << 16 | (left > 1 ? (uint32_t)body[i + 1] << 8 : 0) | (left > 2 ? body[i + 2] : 0);
    const char quad[4] = {digits[bits >> 18], digits[bits >> 12 & 63], digits[bits >> 6 & 63], digits[bits & 63]};
    if (put(signer, quad, left + 1)) return -1;
  }
  return put_text(signer, "\"");
}

static int write_request(struct hubseal_jws* signer, const struct hubseal_jws_message* message) {
  signer->size = 0;
  if (!message->key || !message->method || !message->uri || !message->source)
    return fail(signer, "key, method, uri and source must be given");
  if (put_text(signer, "{\"v\":1,\"id\":\"1\",\"op\":\"sign_fspiop\"") || put_member(signer, "key", message->key) ||
      put_member(signer, "method", message->method) || put_member(signer, "uri", message->uri) ||
      put_member(signer, "source", message->source) || put_member(signer, "destination", message->destination) ||
      put_member(signer, "date", message->date) || put_body(signer, message->body, message->body_size))
    return -1;
  return put_text(signer, "}\n");
}

/* ---- the connection ---- */

static void disconnect(struct hubseal_jws* signer) {
  if (signer->fd >= 0) close(signer->fd);
  signer->fd = -1;
}

static int no_answer(struct hubseal_jws* signer) {
  return fail(signer, "hubseald did not answer within %d ms", signer->timeout_ms);
}

static int connect_now(struct hubseal_jws* signer) {
  if (signer->is_cut) return fail(signer, "%s...: %s", signer->address.sun_path, strerror(ENAMETOOLONG));
  /* Where as many wait already as may, connect() waits as well: as long as a send may take (unix(7), socket(7)). */
  const struct timeval limit = {.tv_sec = signer->timeout_ms / 1000, .tv_usec = signer->timeout_ms % 1000 * 1000};
  signer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (signer->fd >= 0 && setsockopt(signer->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
      connect(signer->fd, (const struct sockaddr*)&signer->address, sizeof signer->address) == 0)
    return 0;
  if (errno == EAGAIN)
    no_answer(signer);
  else
    fail(signer, "%s: %s", signer->address.sun_path, strerror(errno));
  disconnect(signer);
  return -1;
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until the socket can be read or written; 0, or -1 when the time is over. */
static int wait_for(struct hubseal_jws* signer, short events, long long deadline) {
  for (;;) {
    const long long left = deadline - now_ms();
    struct pollfd one = {.fd = signer->fd, .events = events};
    const int ready = left > 0 ? poll(&one, 1, (int)left) : 0;
    if (ready > 0) return 0;
    if (ready == 0) return no_answer(signer);
    if (errno != EINTR) return fail(signer, "poll: %s", strerror(errno));
  }
}

/* hubseald closes a stranger's connection unread, which the kernel may tell as a reset. */
static int closed(struct hubseal_jws* signer) {
  return fail(signer,
              "hubseald closed the connection before it answered; who may connect is said by the [[peer]] tables of "
              "hubseald.toml");
}

static int failed(struct hubseal_jws* signer) {
  if (errno == ECONNRESET || errno == EPIPE) return closed(signer);
  return fail(signer, "%s: %s", signer->address.sun_path, strerror(errno));
}

/* Sends the line and reads the answer into its place. Any doubt closes the connection: a late answer must not be taken
 * for the next one. */
static int exchange(struct hubseal_jws* signer, const char* request, size_t size) {
  const long long deadline = now_ms() + signer->timeout_ms;
  for (size_t sent = 0; sent < size;) {
    if (wait_for(signer, POLLOUT, deadline)) return -1;
    const ssize_t n = send(signer->fd, request + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
      sent += (size_t)n;
    else if (errno != EINTR && errno != EAGAIN)
      return failed(signer);
  }
  for (signer->size = 0;;) {
    if (wait_for(signer, POLLIN, deadline)) return -1;
    const ssize_t n = recv(signer->fd, signer->line + signer->size, MAX_LINE - signer->size, MSG_DONTWAIT);
    if (n == 0) return closed(signer);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return failed(signer);
    signer->size += (size_t)n;
    if (signer->line[signer->size - 1] == '\n') break;
    if (signer->size == MAX_LINE) return fail(signer, "hubseald answered with a line that is too long");
  }
  signer->line[signer->size - 1] = 0;
  return 0;
}

/* ---- the answer ---- */

/* Behind the value of a member that begins at `at`; null when it does not end. */
static const char* skip_value(const char* at) {
  int depth = 0;
  for (; *at; ++at) {
    if (*at == '"') {
      for (++at; *at && *at != '"'; ++at)
        if (*at == '\\' && at[1]) ++at;
      if (!*at) return NULL;
    } else if (*at == '{' || *at == '[') {
      ++depth;
    } else if (*at == '}' || *at == ']') {
      if (depth == 0) return at;
      --depth;
    }
    if (depth == 0 && (at[1] == ',' || at[1] == '}' || at[1] == ']')) return at + 1;
  }
  return NULL;
}

/* Where the value of `name` begins in the object that begins at `object`; null where it is not there. hubseald writes
 * no white space between its tokens. */
static const char* member(const char* object, const char* name) {
  const size_t size = strlen(name);
  if (!object || *object != '{') return NULL;
  for (const char* at = object + 1; *at == '"';) {
    const char* end = strchr(at + 1, '"'); /* no name of the protocol has an escape in it */
    if (!end || end[1] != ':') return NULL;
    if ((size_t)(end - at - 1) == size && memcmp(at + 1, name, size) == 0) return end + 2;
    at = skip_value(end + 2);
    if (!at || *at != ',') return NULL;
    ++at;
  }
  return NULL;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The string that begins at `at`, unescaped; -1 where there is none or it does not fit. Header values and messages are
 * ASCII: of \u only what stands for one byte is taken. */
static int take_string(const char* at, char* out, size_t room) {
  if (!at || *at != '"') return -1;
  for (++at; *at && *at != '"'; ++at) {
    char c = *at;
    if (c == '\\') {
      static const char names[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
      c = *++at;
      const char* known = names;
      while (*known && *known != c) known += 2;
      if (c == 'u') {
        int value = 0;
        for (int i = 0; i < 4; ++i) {
          const int digit = hex_digit(*++at);
          if (digit < 0) return -1;
          value = value * 16 + digit;
        }
        if (value == 0 || value > 0x7f) return -1;
        c = (char)value;
      } else if (*known && c) {
        c = known[1];
      } else {
        return -1;
      }
    }
    if (room < 2 || (unsigned char)c < 0x20 || (unsigned char)c > 0x7e) return -1;
    *out++ = c;
    --room;
  }
  *out = 0;
  return *at == '"' ? 0 : -1;
}

static int read_reply(struct hubseal_jws* signer, struct hubseal_jws_headers* headers) {
  const char* error = member(signer->line, "error");
  char message[400];
  if (error && take_string(member(error, "code"), signer->code, sizeof signer->code) == 0) {
    if (take_string(member(error, "message"), message, sizeof message) != 0) message[0] = 0;
    return fail(signer, "hubseald refused to sign: %s: %s", signer->code, message);
  }
  const char* values = member(member(signer->line, "ok"), "headers");
  if (take_string(member(values, "FSPIOP-Signature"), headers->signature, sizeof headers->signature) != 0 ||
      take_string(member(values, "FSPIOP-URI"), headers->uri, sizeof headers->uri) != 0 ||
      take_string(member(values, "FSPIOP-HTTP-Method"), headers->method, sizeof headers->method) != 0)
    return fail(signer, "hubseald gave an answer that is not understood; is it of another version?");
  return 0;
}

/* ---- what the header says ---- */

struct hubseal_jws* hubseal_jws_open(const char* socket_path, int timeout_ms) {
  struct hubseal_jws* signer = calloc(1, sizeof *signer);
  if (!signer) return NULL;
  signer->fd = -1;
  signer->timeout_ms = timeout_ms;
  signer->address.sun_family = AF_UNIX;
  const int size = snprintf(signer->address.sun_path, sizeof signer->address.sun_path, "%s", socket_path);
  signer->is_cut = size < 0 || (size_t)size >= sizeof signer->address.sun_path;
  return signer;
}

void hubseal_jws_close(struct hubseal_jws* signer) {
  if (!signer) return;
  disconnect(signer);
  free(signer);
}

int hubseal_jws_sign(struct hubseal_jws* signer, const struct hubseal_jws_message* message,
                     struct hubseal_jws_headers* headers) {
  signer->code[0] = 0;
  if (write_request(signer, message)) return -1;
  const size_t size = signer->size;
  char* request = malloc(size);
  if (!request) return fail(signer, "there is no memory for the request");
  memcpy(request, signer->line, size);
  const int kept = signer->fd >= 0;
  int result = kept || connect_now(signer) == 0 ? exchange(signer, request, size) : -1;
  if (result != 0) disconnect(signer);
  /* hubseald closes what was idle for long, and a restart ends all. Signing twice does no harm. */
  if (result != 0 && kept && connect_now(signer) == 0) {
    result = exchange(signer, request, size);
    if (result != 0) disconnect(signer);
  }
  free(request);
  return result == 0 ? read_reply(signer, headers) : -1;
}

const char* hubseal_jws_error(const struct hubseal_jws* signer) { return signer->error; }
const char* hubseal_jws_code(const struct hubseal_jws* signer) { return signer->code; }
