#!/bin/bash
# A lint that cannot fail proves nothing: each one is shown trees that break its rules, one by one,
# and must name the broken rule; and a tree that keeps them, which it must pass.
#   tests/lint/self_test.sh HUBSEALD HUBSEAL_AGENT HUBSEAL PROTOCOL_EXAMPLES MODULE [SANITIZER]
# A program given as "-" is left out. SANITIZER is what the programs were built with, if with any.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
repo=$(readlink -f "$here/../..")
hubseald=${1:?} agent=${2:?} hubseal=${3:?} protocol_examples=$(readlink -f "${4:?}") module=${5:?} sanitizer=${6-}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
broken=0 checks=0

wrong() {
  echo "self_test.sh: $*" >&2
  broken=$((broken + 1))
}

# put FILE TEXT: one more file in the tree.
put() {
  mkdir -p "$(dirname "$tree/$1")"
  printf '%b' "$2" >"$tree/$1"
}

# must_say WORDS COMMAND...: it fails, and says why.
must_say() {
  local words=$1 said
  shift
  checks=$((checks + 1))
  if said=$("$@" 2>&1); then
    wrong "${1##*/} passed a tree that should make it say: $words"
  elif [[ $said != *"$words"* ]]; then
    wrong "${1##*/} was to say \"$words\"; it said: $said"
  fi
}

must_pass() {
  local said
  checks=$((checks + 1))
  said=$("$@" 2>&1) || wrong "${1##*/} refused a tree without fault: $said"
}

# fresh: a small tree that keeps every rule.
fresh() {
  rm -rf "$tree"
  put common/result.h '#pragma once\n#include <string>\n'
  put hsm/signer.h '#pragma once\n#include "common/result.h"\n'
  put hsm/pkcs11.h '#pragma once\n#include <p11-kit/pkcs11.h>\n'
  put daemon/dispatch.h '#pragma once\n#include "hsm/signer.h"\n'
  put agent/agent.h '#pragma once\n#include <Poco/Net/HTTPServer.h>\n#include "common/result.h"\n'
  put cli/app.h '#pragma once\n#include "common/result.h"\n'
  put common/CMakeLists.txt '# What is shared.\nadd_library(common STATIC result.h)\n'
  put hsm/CMakeLists.txt 'add_library(hsm STATIC\n  pkcs11.h\n  signer.h\n)\n'
  put daemon/CMakeLists.txt 'add_library(daemon STATIC dispatch.h)\n'
  put agent/CMakeLists.txt 'add_library(agent STATIC agent.h)\n'
  put cli/CMakeLists.txt 'add_library(cli STATIC app.h)\n'
}

includes_refuses() { # FILE LINE WORDS
  fresh
  put "$1" "#pragma once\n$2\n"
  must_say "$3" "$here/includes.sh" "$tree"
}
fresh
must_pass "$here/includes.sh" "$tree"
includes_refuses common/x.h '#include "hsm/signer.h"' 'points the wrong way'
includes_refuses common/x.h '#include "daemon/dispatch.h"' 'points the wrong way'
includes_refuses hsm/x.h '#include "daemon/dispatch.h"' 'points the wrong way'
includes_refuses cli/x.h '#include "hsm/signer.h"' 'points the wrong way'
includes_refuses cli/x.h '#include "agent/agent.h"' 'points the wrong way'
includes_refuses pkcs11/x.h '#include "hsm/signer.h"' 'points the wrong way'
includes_refuses cli/x.h '#include "pkcs11/hub.h"' 'points the wrong way'
includes_refuses agent/x.h '#include "daemon/dispatch.h"' 'points the wrong way'
includes_refuses daemon/ca/x.h '#include "hsm/signer.h"' 'points the wrong way'
includes_refuses daemon/server.h '#  include "hsm/signer.h"' 'points the wrong way'
includes_refuses daemon/x.h '#include "hsm/pkcs11.h"' 'PKCS#11 is seen in hsm/ and tests/ only'
includes_refuses daemon/x.h '#include <libp11.h>' '<libp11.h> is for hsm/'
includes_refuses common/x.h '#include <p11-kit/pkcs11.h>' '<p11-kit/pkcs11.h> is for hsm/'
includes_refuses daemon/x.h '#include <Poco/Net/Socket.h>' '<Poco/Net/Socket.h> is for agent/'
includes_refuses daemon/registry/x.h '#include <sqlite3.h>' '<sqlite3.h> is for daemon/registry/sqlite.cpp'
includes_refuses agent/http/x.h '#include "agent/store/table.h"' 'points the wrong way'
includes_refuses agent/publish/x.h '#include "agent/store/table.h"' 'points the wrong way'
includes_refuses agent/service/x.h '#include "agent/publish/vault.h"' 'points the wrong way'
includes_refuses cli/x.h '#include "app.h"' 'does not start at the root'
includes_refuses daemon/ops/x.cpp '#include "daemon/server.h"' 'points the wrong way; not allowed here: daemon/server*'
includes_refuses daemon/ops/x.cpp '#include "daemon/listeners.h"' 'points the wrong way; not allowed here: daemon/server*'
includes_refuses daemon/x.cpp 'auto s = prepare("SELECT label FROM keys");' 'SQL is for daemon/registry/*'
includes_refuses daemon/ops/x.cpp 'auto s = prepare(R"(\n  UPDATE keys SET use = 1)");' 'SQL is for daemon/registry/*'
includes_refuses agent/service/x.cpp 'session << "INSERT OR IGNORE INTO dfsps VALUES (1)";' 'SQL is for daemon/registry/*'
includes_refuses agent/http/x.cpp 'session << "BEGIN IMMEDIATE", now;' 'SQL is for daemon/registry/*'
includes_refuses agent/service/x.cpp 'answer.status = 404;' 'an HTTP status is for agent/http/*'
includes_refuses agent/service/x.cpp 'return HTTPResponse::HTTP_NOT_FOUND;' 'an HTTP status is for agent/http/*'
includes_refuses daemon/x.cpp 'if (answer.status() >= 500) return;' 'an HTTP status is for agent/http/*'
includes_refuses hsm/x.h '#include <openssl/engine.h>' 'no ENGINE of OpenSSL'
includes_refuses tests/x.cpp 'auto* e = ENGINE_by_id("pkcs11");' 'no ENGINE of OpenSSL'
includes_refuses hsm/x.cpp 'void use(ENGINE* e);' 'no ENGINE of OpenSSL'
for home in daemon/registry/names.cpp daemon/registry/sqlite.cpp agent/store/x.cpp; do
  fresh
  put "$home" 'auto s = prepare("SELECT label FROM keys");\n'
  put agent/http/errors.cpp 'answer.status = 404;\n'
  put cli/x.cpp 'say("Select one, UPDATE the other; BEGIN, and COMMIT to it");\nint status = exit_status(200);\n'
  must_pass "$here/includes.sh" "$tree"
done
fresh
put cli/x.h '#include <string>\n'
must_say 'no #pragma once' "$here/includes.sh" "$tree"
mkdir "$scratch/empty"
must_say 'found nothing to look at' "$here/includes.sh" "$scratch/empty"

sizes_refuses() { # FILE TEXT WORDS
  fresh
  put "$1" "$2"
  must_say "$3" "$here/sizes.sh" "$tree"
}
fresh
must_pass "$here/sizes.sh" "$tree"
sizes_refuses cli/long.cpp "$(printf '%0.s\\n' {1..401})" '401 lines'
sizes_refuses tests/long.py "$(printf '%0.s\\n' {1..401})" '401 lines'
sizes_refuses cli/x.cpp 'int x; // TO''DO later\n' 'left for later'
sizes_refuses docs/x.md 'FIX''ME\n' 'left for later'
sizes_refuses cli/x.cpp 'int x = std::sys''tem("ls");\n' 'starts a shell'
sizes_refuses daemon/x.cpp 'FILE* x = ::pop''en("ls", "r");\n' 'starts a shell'
sizes_refuses tests/x.cpp 'int x = std::sys''tem("ls");\n' 'starts a shell'
sizes_refuses docs/x.md 'see /ho''me/ada/hubseal\n' "somebody's machine"
sizes_refuses docs/x.md 'Not imple''mented yet\n' 'a stub'
if command -v shellcheck >/dev/null; then
  # shellcheck disable=SC2016  # the text of a script
  sizes_refuses scripts/x '#!/bin/bash\nfor f in $(ls); do rm $f; done\ncd $1; unused=$2\n' 'shellcheck has found'
fi
must_say 'found nothing to look at' "$here/sizes.sh" "$scratch/empty"

imports_refuse() { # TEXT WORDS
  fresh
  put tests/x.py "$1"
  must_say "$2" "$here/unused_imports.py" "$tree"
}
fresh
put tests/x.py 'import os\nimport support_path\nfrom wire import Refused as Refused\nfrom a.b import c as d\nd(os.name)\n'
must_pass "$here/unused_imports.py" "$tree"
imports_refuse 'import os\nimport sys\nos.getpid()\n' 'tests/x.py:2: imports sys'
imports_refuse 'from a.b import (c,\n                 d as e)\nc()\n' 'tests/x.py:1: imports e'
must_say 'found nothing to look at' "$here/unused_imports.py" "$scratch/empty"

lists_refuse() { # FILE TEXT WORDS
  fresh
  put "$1" "$2"
  must_say "$3" "$here/cmake_lists.sh" "$tree"
}
fresh
must_pass "$here/cmake_lists.sh" "$tree"
put daemon/ops/health.cpp 'int x;\n'
put daemon/ops/CMakeLists.txt 'target_sources(daemon PRIVATE health.cpp)\n'
put daemon/jws/sign.cpp 'int x;\n'
put daemon/CMakeLists.txt 'add_library(daemon STATIC dispatch.h jws/sign.cpp ${made}/schema.cpp)\nadd_subdirectory(ops)\n'
put tests/CMakeLists.txt 'unit_test(x SOURCES ${PROJECT_SOURCE_DIR}/daemon/ops/health.cpp)\n'
must_pass "$here/cmake_lists.sh" "$tree"
lists_refuse daemon/x.cpp 'int x;\n' 'daemon/x.cpp is in no CMakeLists.txt'
lists_refuse common/jose/x.h '#pragma once\n' 'common/jose/x.h is in no CMakeLists.txt'
lists_refuse hsm/CMakeLists.txt 'add_library(hsm STATIC pkcs11.h # signer.h\n)\n' 'hsm/signer.h is in no CMakeLists.txt'
lists_refuse cli/CMakeLists.txt 'add_library(cli STATIC app.h gone.cpp)\n' 'names gone.cpp, which is not there'
lists_refuse tests/CMakeLists.txt 'unit_test(x SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/gone.cpp)\n' 'names ${CMAKE_CURRENT_SOURCE_DIR}/gone.cpp'
# A list of another folder does not count: it is not where one looks.
fresh
put daemon/x.cpp 'int x;\n'
put cli/CMakeLists.txt 'add_library(cli STATIC app.h ../daemon/x.cpp)\n'
must_say 'daemon/x.cpp is in no CMakeLists.txt' "$here/cmake_lists.sh" "$tree"
fresh
for suite in bank_test lost_test; do put tests/e2e/$suite.py 'if __name__ == "__main__":\n    unittest.main(verbosity=2)\n'; done
put tests/e2e/lost_support.py 'def main():\n    unittest.main()\n'
put tests/e2e/CMakeLists.txt 'foreach(name agent bank)\n'
must_say 'tests/e2e/lost_test.py is a suite that no' "$here/cmake_lists.sh" "$tree"
put tests/e2e/CMakeLists.txt 'foreach(name bank lost)\n'
must_pass "$here/cmake_lists.sh" "$tree"
must_say 'found nothing to look at' "$here/cmake_lists.sh" "$scratch/empty"

fresh
put tests/x.py 'text = "-----BEGIN PRIVATE KEY-----\\nAA==\\n"\n'
must_pass "$here/private_keys.sh" "$tree"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$scratch/pem" 2>/dev/null
put docs/x.md "$(cat "$scratch/pem")"
must_say 'docs/x.md holds a private key' "$here/private_keys.sh" "$tree"
fresh
put cli/x.h "const char* key = R\"($(openssl rsa -traditional -in <(openssl genrsa 2048 2>/dev/null) 2>/dev/null))\";\n"
must_say 'cli/x.h holds a private key' "$here/private_keys.sh" "$tree"
fresh
put tests/x.py "key = '$(sed -z 's/\n/\\\\n/g' "$scratch/pem")'\n"
must_say 'tests/x.py holds a private key' "$here/private_keys.sh" "$tree"
fresh
put config/server.key 'x'
must_say 'config/server.key is a file for a private key' "$here/private_keys.sh" "$tree"
must_say 'found nothing to look at' "$here/private_keys.sh" "$scratch/empty"

fresh
put cli/ceremony/child.cpp 'int x = ::posix_spawn(&pid, path, nullptr, nullptr, argv, environ);\n'
put hsm/x.cpp '// Nobody calls fork() here.\nroom.fork(); auto fork_count = 0; prefork(1);\n'
must_pass "$here/processes.sh" - - - "$tree"
starts=('fork()' '::fork ()' 'vfork()' 'clone(f, stack, 0, p)' 'syscall(SYS_clone3, &a, 8)' 'std::system("ls")' 'popen("ls", "r")'
  'execve(path, argv, env)' 'execlp("ls", "ls", nullptr)' 'wordexp("~", &w, 0)'
  'posix_spawn(&p, a, b, c, d, e)' '::posix_spawnp(&p, a, b, c, d, e)') # the last two are free in cli/
fresh
for folder in common hsm daemon daemon/registry agent/http cli/commands; do
  put $folder/x.cpp "$(printf 'auto x = %s;\\n' "${starts[@]}")"
done
said=$("$here/processes.sh" - - - "$tree" 2>&1) && wrong "processes.sh passed a tree that starts processes everywhere"
for folder in common hsm daemon daemon/registry agent/http cli/commands; do
  for line in "${!starts[@]}"; do
    checks=$((checks + 1))
    place="$folder/x.cpp:$((line + 1)): starts a process"
    if [[ $folder == cli/* && ${starts[line]} == *posix_spawn* ]]; then
      [[ $said != *"$place"* ]] || wrong "processes.sh refused ${starts[line]} in $folder"
    else
      [[ $said == *"$place"* ]] || wrong "processes.sh passed ${starts[line]} in $folder"
    fi
  done
done
must_say 'imports fork' "$here/processes.sh" "$BASH" - - "$tree"
must_say 'imports fork' "$here/processes.sh" - "$BASH" - "$tree"
must_say 'imports execve' "$here/processes.sh" - - "$BASH" "$tree"
must_say 'imports nothing' "$here/processes.sh" "$here/lint.sh" - - "$tree"
must_say 'found nothing to look at' "$here/processes.sh" - - - "$scratch/empty"

# hardening_refuses WORDS FLAGS...: a program that was built with other flags than ours.
cat >"$scratch/program.c" <<'CODE'
#include <stdio.h>
#include <string.h>
int main(int argc, char** argv) {
  char name[16];
  strcpy(name, argv[argc - 1]);
  puts(name);
  return 0;
}
CODE
# shellcheck disable=SC2054  # the commas are the linker's
hardened=(-O1 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
hardening_refuses() {
  local words=$1
  shift
  gcc "${hardened[@]}" "$@" -o "$scratch/program" "$scratch/program.c" 2>"$scratch/gcc" || wrong "gcc: $(cat "$scratch/gcc")"
  must_say "$words" "$here/hardening.sh" "$scratch/program"
}
gcc "${hardened[@]}" -o "$scratch/program" "$scratch/program.c"
must_pass "$here/hardening.sh" "$scratch/program"
hardening_refuses 'not position independent' -fno-pie -no-pie
hardening_refuses 'no RELRO' -Wl,-z,norelro
hardening_refuses 'BIND_NOW' -Wl,-z,lazy
hardening_refuses 'its stack is executable' -Wl,-z,execstack
hardening_refuses 'search path for libraries' -Wl,-rpath,/opt/lib
hardening_refuses 'without the stack protector' -fno-stack-protector
hardening_refuses 'without _FORTIFY_SOURCE' -U_FORTIFY_SOURCE
must_say 'not a program' "$here/hardening.sh" "$here/lint.sh"

if [[ $agent != - ]]; then
  must_say 'libPoco' "$here/needed_libs.sh" "$agent" - -
  must_say 'libPoco' "$here/needed_libs.sh" - - "$agent"
fi
must_say 'libp11' "$here/needed_libs.sh" - "$hubseald" -
must_say 'libp11' "$here/needed_libs.sh" - - "$hubseald"
# hubseald has a list of what it may need: a library that nobody foresaw is refused too.
gcc -Wl,--no-as-needed -o "$scratch/program" "$scratch/program.c" -lresolv
must_say 'which is not on its list' "$here/needed_libs.sh" "$scratch/program" - -
must_say 'names no libraries' "$here/needed_libs.sh" "$here/lint.sh" - -
must_pass "$here/needed_libs.sh" "$hubseald" "$agent" "$hubseal" "$sanitizer"

# module_refuses WORDS SOURCE FLAGS...: a module of this C text.
module_refuses() {
  local words=$1
  printf '%b' "$2" >"$scratch/module.c"
  shift 2
  gcc -shared -fPIC -o "$scratch/module.so" "$scratch/module.c" "$@"
  must_say "$words" "$here/module.sh" "$scratch/module.so"
}
must_pass "$here/module.sh" "$module" "$sanitizer"
module_refuses 'shows "C_GetFunctionList other"' 'int C_GetFunctionList(void) { return 0; }\nint other(void) { return 0; }\n'
module_refuses 'needs libcrypto.so' 'int C_GetFunctionList(void) { return 0; }\n' -Wl,--no-as-needed -l:libcrypto.so.3

# configs_refuses FILE SED-SCRIPT WORDS: the shipped configuration, changed.
configs_refuses() {
  rm -rf "$tree"
  mkdir -p "$tree"/daemon/{ca,policy,quota} "$tree/agent"
  cp -r "$repo/config" "$tree/"
  cp "$repo/daemon/config.cpp" "$tree/daemon/"
  cp "$repo"/daemon/ca/profile{,_extensions}.cpp "$tree/daemon/ca/"
  cp "$repo/daemon/policy/policy.cpp" "$tree/daemon/policy/"
  cp "$repo/daemon/quota/read_quota.cpp" "$tree/daemon/quota/"
  [[ ! -e $repo/agent/config.cpp ]] || cp "$repo"/agent/config{,_auth,_publish}.cpp "$tree/agent/"
  sed -i "$2" "$tree/$1"
  if [[ -n $3 ]]; then
    must_say "$3" "$here/shipped_configs.sh" "$hubseald" "$agent" "$tree"
  else
    must_pass "$here/shipped_configs.sh" "$hubseald" "$agent" "$tree"
  fi
}
configs_refuses config/hubseald.toml '' ''
configs_refuses config/hubseald.toml '/^drain_seconds/d' 'reads "drain_seconds", which config/hubseald.toml does not explain'
configs_refuses config/hubseald.toml 's/^drain_seconds/drain_secs/' 'hubseald refuses hubseald.toml'
configs_refuses config/hubseald.toml 's/^max_connections = 64/max_connections = 0/' 'hubseald refuses hubseald.toml'
configs_refuses config/hubseald.toml 's/^# serial = /# serial_number = /' 'has "serial_number", which'
configs_refuses config/profiles/jws.toml 's/^kind .*/kind = "both"/' 'hubseald refuses hubseald.toml'
configs_refuses config/profiles/hub-root.toml 's/^path_len .*//' 'reads "path_len", which'
configs_refuses config/policy.toml '/^create_ca/d' 'hubseald refuses hubseald.toml'
configs_refuses config/rig/hubseald.toml.in 's/@MODULE@/@MODUL@/' 'a placeholder that run does not fill in'
configs_refuses daemon/config.cpp 's/"session_copies"/"session_copy"/' 'reads "session_copy", which'

standards_refuse() { # TEST-NAME ROW WORDS
  fresh
  put tests/unit/x_test.cpp "BOOST_AUTO_TEST_CASE($1) {}\n"
  put docs/STANDARDS.md "$2\n"
  if [[ -n $3 ]]; then
    must_say "$3" "$here/standards.sh" "$tree"
  else
    must_pass "$here/standards.sh" "$tree"
  fi
}
standards_refuse PKI_1_holds '| PKI-1 | rule | where | `PKI_1_holds` |' ''
standards_refuse PKI_1_holds '| PKI-1 | rule | where | - |' 'proves PKI-1, and docs/STANDARDS.md does not name it'
standards_refuse PKI_9_holds '| PKI-1 | rule | where | - |' 'docs/STANDARDS.md has no row of this id'
standards_refuse PKI_1_holds '| PKI-1 | rule | where | `PKI_1_holds`, `PKI_1_too` |' 'names the test PKI_1_too, which does not exist'
standards_refuse PKI_1_holds '| PKI-1 | rule | where | `PKI_1_holds` |\n| PKI-2 | rule | where | |' 'neither a test nor a dash'
standards_refuse RFC_5280_5_holds '| RFC 5280 5, RFC 1 | rule | where | `RFC_5280_5_holds` |' ''
standards_refuse RFC_5280_5_holds '| RFC 5280 5 | rule | where |' 'neither a test nor a dash'
standards_refuse RFC_6960_holds '| RFC 5280 5 | rule | where | - |' 'RFC_6960_holds: docs/STANDARDS.md has no row of this id'
standards_refuse PKCS_11_holds '| PKCS#11 | rule | where | - |' 'proves PKCS#11, and docs/STANDARDS.md does not name it'
standards_refuse NIST_SP_800_57_holds '| NIST SP 800-57, 7 | rule | where | `NIST_SP_800_57_holds` |\n| C2SP | rule | where | `NIST_SP_800_57_holds` |' 'does not bear the id of C2SP'
standards_refuse PKI_1_RFC_1_holds '| PKI-1 | rule | where | `PKI_1_RFC_1_holds` |\n| RFC 1 to 3 | rule | where | - |' 'proves RFC 1, and'

# protocol_refuses SED-SCRIPT WORDS: the protocol's document, changed.
run_protocol_examples() {
  (cd "$tree" && "$protocol_examples" --color_output=no)
}
protocol_refuses() {
  rm -rf "$tree"
  mkdir -p "$tree/docs"
  ln -s "$repo/config" "$repo/daemon" "$tree/"
  sed "$1" "$repo/docs/PROTOCOL.md" >"$tree/docs/PROTOCOL.md"
  must_say "$2" run_protocol_examples
}
protocol_refuses '/^<- .*"uptime_seconds"/s/uptime_seconds/uptime/' 'PROTOCOL.md, health'
protocol_refuses '/^-> .*"op":"create_key"/s/"use":"ca"/"use":"tls"/' 'PROTOCOL.md, create_key'
protocol_refuses '/^-> .*"op":"sign_jws"/s/"payload"/"message"/' 'PROTOCOL.md, sign_jws'
protocol_refuses 's/^### get_ca$/### show_ca/' 'PROTOCOL.md has show_ca'
protocol_refuses 's/^Permission `create_ca`/Permission `create_key`/' 'create_ca with permission create_ca'
protocol_refuses 's/^| `hsm_busy` \(.*\) | 4 |/| `hsm_busy` \1 | 3 |/' 'the_table_of_errors'

((broken == 0)) || exit 1
echo "self_test.sh: $checks checks"
