#include "hsm/key_table.h"

#include <utility>

namespace hubseal::hsm {

KeyTable::KeyPtr KeyTable::find(const KeyId& id) {
  auto table = table_.lock();
  const auto found = table->served.find(id);
  return found == table->served.end() ? nullptr : found->second;
}

std::vector<KeyTable::KeyPtr> KeyTable::all() {
  std::vector<KeyPtr> keys;
  auto table = table_.lock();
  for (const auto& [id, key] : table->served) keys.push_back(key);
  return keys;
}

KeyTable::KeyPtr KeyTable::add(Key key) {
  auto table = table_.lock();
  const KeyId id = key.id;
  table->missing.erase(id);
  return table->served.insert_or_assign(id, std::make_shared<const Key>(std::move(key))).first->second;
}

bool KeyTable::remove(const KeyId& id) { return table_.lock()->served.erase(id) != 0; }

void KeyTable::miss(const KeyId& id) {
  auto table = table_.lock();
  if (!table->served.contains(id)) table->missing.try_emplace(id);
}

bool KeyTable::misses(const KeyId& id) { return table_.lock()->missing.contains(id); }

void KeyTable::forget(const KeyId& id) { table_.lock()->missing.erase(id); }

bool KeyTable::note_problem(const KeyId& id, const std::string& problem) {
  return std::exchange(table_.lock()->missing[id].problem, problem) == problem;
}

std::string KeyTable::problem_of(const KeyId& id) {
  auto table = table_.lock();
  const auto found = table->missing.find(id);
  return found == table->missing.end() ? "" : found->second.problem;
}

std::vector<KeyId> KeyTable::take_untold() {
  std::vector<KeyId> untold;
  auto table = table_.lock();
  for (auto& [id, missing] : table->missing)
    if (missing.problem.empty() && !std::exchange(missing.told, true)) untold.push_back(id);
  return untold;
}

void KeyTable::begin_pause(const TokenConfig& config) { table_.lock()->pause.begin(config); }

bool KeyTable::may_look(const TokenConfig& config) {
  auto table = table_.lock();
  if (table->missing.empty() || !table->pause.over(config)) return false;
  table->pause.begin(config);
  return true;
}

}  // namespace hubseal::hsm
