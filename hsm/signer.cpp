#include "hsm/signer.h"

namespace hubseal::hsm {

std::string_view to_string(Grade grade) {
  switch (grade) {
    case Grade::generated: return "generated";
    case Grade::imported: return "imported";
  }
  return "imported";
}

std::string_view to_string(KeyState state) {
  switch (state) {
    case KeyState::active: return "active";
    case KeyState::quarantined: return "quarantined";
  }
  return "quarantined";
}

}  // namespace hubseal::hsm
