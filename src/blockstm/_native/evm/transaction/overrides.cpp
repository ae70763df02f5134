// Values that calls find in the state in place of those that are there.
#include "evm/transaction/steps.hpp"

namespace blockstm::evm {

namespace {

int32_t put(blockstm_view* view, const Write& write) noexcept {
    blockstm_location location;
    const int32_t status = view->api->locate(view, write.key.data, write.key.size, &location);
    if (status != BLOCKSTM_OK) return status;
    if (write.value.size == 0) return view->api->remove(view, location);
    return view->api->put(view, location, write.value.data, write.value.size);
}

}  // namespace

// Where the view says that the run is over, whatever this returns is ignored (vm_abi.h).
bool run_overrides(Machine& machine, const Step& step) noexcept {
    for (uint64_t place = 0; place < step.around->write_count; ++place) {
        if (put(machine.journal.view(), step.around->writes[place]) != BLOCKSTM_OK) return machine.journal.poll();
    }
    return true;
}

}  // namespace blockstm::evm
