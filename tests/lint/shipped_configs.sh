#!/bin/bash
# The configuration that is shipped: the programs accept it, and every key that a program reads is
# explained in it, and no other.
#   tests/lint/shipped_configs.sh HUBSEALD HUBSEAL_AGENT [FOLDER]
# A program given as "-" is left out.
set -euo pipefail
(($# >= 2)) || {
  echo "usage: shipped_configs.sh HUBSEALD HUBSEAL_AGENT [FOLDER]" >&2
  exit 2
}
hubseald=$1 agent=$2
shift 2
# shellcheck source=tests/lint/lint.sh
source "$(dirname "$(readlink -f "$0")")/lint.sh"
cd "$lint_root"

umask 077
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r config/profiles "$scratch/profiles"
cp config/policy.toml "$scratch/policy.toml"

# As shipped, but with users and groups that exist here and the profiles of this tree.
sed -e "s|^profiles_dir = .*|profiles_dir = \"$scratch/profiles\"|" \
  -e "s|^policy_file = .*|policy_file = \"$scratch/policy.toml\"|" \
  -e "s|^user = .*|user = \"$(id -u)\"|" -e "s|^group = .*|group = \"$(id -g)\"|" \
  config/hubseald.toml >"$scratch/hubseald.toml"

accepts() { # PROGRAM FILE
  looked_at=$((looked_at + 1))
  [[ $1 == - ]] || "$1" --check-config --config "$2" >"$scratch/answer" 2>&1 ||
    finding "$(basename "$1") refuses ${3:-$(basename "$2")}: $(tail -n 2 "$scratch/answer")"
}
accepts "$hubseald" "$scratch/hubseald.toml"

# The rig's, filled in as run does it, with the profile that run adds.
sed -e 's|^name  .*|name = "dfsp-client-approved"|' config/profiles/dfsp-client.toml >"$scratch/profiles/dfsp-client-approved.toml"
for template in config/rig/*.toml.in; do
  file=$scratch/rig-$(basename "$template" .in)
  sed -e "s|@STATE@/etc/|$scratch/|g" -e "s|@STATE@|$scratch|g" -e "s|@USER@|$(id -u)|g" \
    -e "s|@MODULE@|/usr/lib/softhsm/libsofthsm2.so|g" -e "s|@PORT@|3001|g" "$template" >"$file"
  ! grep -q '@[A-Z]*@' "$file" || finding "$template: a placeholder that run does not fill in: $(grep -o '@[A-Z]*@' "$file" | head -n 1)"
  case $template in
  */hubseald.toml.in) accepts "$hubseald" "$file" "$template" ;;
  */agent.toml.in) accepts "$agent" "$file" "$template" ;;
  esac
done
if [[ -e config/agent.toml ]]; then
  cp config/agent.toml "$scratch/agent.toml"
  accepts "$agent" "$scratch/agent.toml"
fi

# The keys that a reader of Fields asks for.
keys_read() {
  grep -ohE '((fields|table)(\.|->)[a-z_]+|absolute_path|seconds|words|read_[a-z_]+)\((fields, *)?"[a-z_]+"' "$@" | grep -oE '"[a-z_]+"' | tr -d '"' | sort -u
}
# The keys and tables of TOML files, those that stand in comments included.
keys_written() {
  {
    sed -nE 's/^(# )?\[?\[?([a-z_]+)(\.[a-z_]+)?\]?\]?( *=.*)?$/\2/p' "$@"
    sed -nE 's/^(# )?\[[a-z_]+\.([a-z_]+)\]$/\2/p' "$@"
    # "#   name   what it is": a table of keys in a comment.
    sed -nE 's/^#   ([a-z_]+(, [a-z_]+)*)  .*/\1/p' "$@" | tr -d ' ' | tr ',' '\n'
  } | sort -u
}
same_keys() { # "SOURCE..." FILES...
  local source=$1 key sources
  read -ra sources <<<"$1"
  shift
  keys_read "${sources[@]}" >"$scratch/read"
  keys_written "$@" >"$scratch/written"
  [[ -s $scratch/read ]] || finding "$source reads no key that this lint can see"
  while read -r key; do finding "$source reads \"$key\", which $* does not explain"; done < <(comm -23 "$scratch/read" "$scratch/written")
  looked_at=$((looked_at + $(wc -l <"$scratch/read")))
}
no_other_keys() { # "SOURCE..." FILE: keys and tables in force or commented out
  local key sources
  read -ra sources <<<"$1"
  while read -r key; do
    grep -q "\"$key\"" "${sources[@]}" || finding "$2 has \"$key\", which $1 does not read"
  done < <(sed -nE 's/^(# )?([a-z_]+) *= .*/\2/p' "$2" | sort -u)
}
same_keys daemon/config.cpp config/hubseald.toml
no_other_keys daemon/config.cpp config/hubseald.toml
same_keys "daemon/policy/policy.cpp daemon/quota/read_quota.cpp" config/policy.toml
same_keys "daemon/ca/profile.cpp daemon/ca/profile_extensions.cpp" config/profiles/hub-root.toml config/profiles/dfsp-client.toml
if [[ -e config/agent.toml ]]; then
  same_keys "agent/config.cpp agent/config_auth.cpp agent/config_publish.cpp" config/agent.toml
  no_other_keys "agent/config.cpp agent/config_auth.cpp agent/config_publish.cpp" config/agent.toml
fi
finish
