#pragma once

namespace hubseal::agent::metrics {

class Exposition;

/// What this process takes of the machine, as the system counts it; under MCM's names.
void write_process(Exposition& page);

}  // namespace hubseal::agent::metrics
