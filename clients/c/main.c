/* hubseal-jws: signs a message of the hub, for the shell. The body on standard input, the headers to send on standard
 * output, as curl's --header @FILE takes them. Ends with 0; 1 when it was not signed; 2 for a wrong command line. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hubseal_jws.h"

enum { MAX_BODY = 525 * 1024 };

static const char usage[] =
    "usage: hubseal-jws --method PUT --uri URI --source FSP [--destination FSP] [--date DATE]\n"
    "                   [--key hub-jws] [--socket /run/hubseal/jws.sock] [--timeout 10000] < body > headers\n";

static int read_body(char* body, size_t* size) {
  *size = fread(body, 1, MAX_BODY + 1, stdin);
  if (ferror(stdin)) {
    fprintf(stderr, "hubseal-jws: standard input: %s\n", strerror(errno));
    return -1;
  }
  if (*size <= MAX_BODY) return 0;
  fprintf(stderr, "hubseal-jws: the body has more than %d bytes\n", MAX_BODY);
  return -1;
}

static int sign(const char* path, int timeout_ms, const struct hubseal_jws_message* message) {
  static struct hubseal_jws_headers headers;
  struct hubseal_jws* signer = hubseal_jws_open(path, timeout_ms);
  int result = -1;
  if (!signer)
    fprintf(stderr, "hubseal-jws: there is no memory\n");
  else if (hubseal_jws_sign(signer, message, &headers) != 0)
    fprintf(stderr, "hubseal-jws: %s\n", hubseal_jws_error(signer));
  else
    result = 0;
  hubseal_jws_close(signer);
  if (result != 0) return 1;
  printf("FSPIOP-Signature: %s\nFSPIOP-URI: %s\nFSPIOP-HTTP-Method: %s\n", headers.signature, headers.uri,
         headers.method);
  printf("FSPIOP-Source: %s\n", message->source);
  if (message->destination) printf("FSPIOP-Destination: %s\n", message->destination);
  if (message->date) printf("Date: %s\n", message->date);
  if (fflush(stdout) == 0) return 0;
  fprintf(stderr, "hubseal-jws: standard output: %s\n", strerror(errno));
  return 1;
}

int main(int argc, char** argv) {
  static const struct option options[] = {
      {"method", required_argument, NULL, 'm'}, {"uri", required_argument, NULL, 'u'},
      {"source", required_argument, NULL, 's'}, {"destination", required_argument, NULL, 'd'},
      {"date", required_argument, NULL, 't'},   {"key", required_argument, NULL, 'k'},
      {"socket", required_argument, NULL, 'p'}, {"timeout", required_argument, NULL, 'w'},
      {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
  static char body[MAX_BODY + 1];
  struct hubseal_jws_message message = {.key = "hub-jws", .body = body};
  const char* path = "/run/hubseal/jws.sock";
  int timeout_ms = 10000;
  for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
    switch (option) {
      case 'm': message.method = optarg; break;
      case 'u': message.uri = optarg; break;
      case 's': message.source = optarg; break;
      case 'd': message.destination = optarg; break;
      case 't': message.date = optarg; break;
      case 'k': message.key = optarg; break;
      case 'p': path = optarg; break;
      case 'w': timeout_ms = atoi(optarg); break;
      case 'h': fputs(usage, stdout); return 0;
      default: fputs(usage, stderr); return 2;
    }
  }
  if (optind != argc || !message.method || !message.uri || !message.source || timeout_ms < 1) {
    fputs(usage, stderr);
    return 2;
  }
  if (read_body(body, &message.body_size) != 0) return 1;
  return sign(path, timeout_ms, &message);
}
