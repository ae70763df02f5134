"""How results are copied in two rounds; see the ``.pxd``."""
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from blockstm._native.base.cursors cimport cpu_relax, thread_yield
from blockstm._native.base.pages cimport prefetch
from blockstm._native.engine.frontier cimport (
    ExecutionResult, Frontier, Summary, frontier_is_rewritten, frontier_outcome,
)
from blockstm._native.engine.mvmemory.interner cimport location_at
from blockstm._native.engine.mvmemory.locations cimport Location, location_key
from blockstm._native.engine.mvmemory.numbers cimport same_payload
from blockstm._native.engine.mvmemory.store cimport Store
from blockstm._native.engine.mvmemory.values cimport PAYLOAD_ABSENT, PAYLOAD_VALUE, Payload, payload_data

cdef enum:
    # How far ahead memory is asked for that may lie far away: far enough for it to arrive.
    LOCATIONS_AHEAD = 40
    VALUES_AHEAD = 20
    OUTPUTS_AHEAD = 12
    PART_MIN = 1 << 8        # transactions and writes together: less is not worth a part
    PART_MAX = 1 << 12
    SPINS = 1 << 12          # before the core is yielded


cdef uint32_t parts_needed(const Frontier* frontier, int32_t count) noexcept nogil:
    return frontier.segments + 1 + (frontier.written_count + <uint32_t>count) // PART_MAX + 1


cdef uint32_t parts_fill(Part* part, const Frontier* frontier, int32_t count) noexcept nogil:
    cdef uint32_t parts = 0, segment
    cdef int32_t first = 0, end, worker = 0
    cdef uint32_t written = 0, written_end
    for segment in range(frontier.segments):
        end, written_end = frontier.segment[segment].first, frontier.segment[segment].written
        if end >= count:
            break
        if end != 0:
            if <uint32_t>(end - first) + (written_end - written) < PART_MIN:
                continue  # too short: it goes with what follows
            parts = part_split(part, parts, worker, first, end, written, written_end)
            first, written = end, written_end
        worker = frontier.segment[segment].worker
    return part_split(part, parts, worker, first, count, written, frontier.written_count)


cdef uint32_t part_split(Part* part, uint32_t parts, int32_t worker, int32_t first, int32_t end,
                                uint32_t written, uint32_t written_end) noexcept nogil:
    """Cut a long part into pieces. Which transaction wrote what is not known, so each piece has a share of both."""
    cdef uint32_t size = <uint32_t>(end - first) + (written_end - written)
    cdef uint32_t pieces = size // PART_MAX + 1, piece
    for piece in range(pieces):
        memset(<void*>&part[parts], 0, sizeof(Part))
        part[parts].worker = worker
        part[parts].first = first + <int32_t>(<uint64_t>(end - first) * piece // pieces)
        part[parts].end = first + <int32_t>(<uint64_t>(end - first) * (piece + 1) // pieces)
        part[parts].written = written + <uint32_t>(<uint64_t>(written_end - written) * piece // pieces)
        part[parts].written_end = written + <uint32_t>(
            <uint64_t>(written_end - written) * (piece + 1) // pieces)
        parts += 1
    return parts


cdef void prefetch_ahead(Store* store, const Frontier* frontier, uint32_t place) noexcept nogil:
    """Prefetch what the next steps of a walk over the written locations will copy."""
    cdef const Location* location
    if place + LOCATIONS_AHEAD >= frontier.written_count:
        return
    prefetch(location_at(&store.interner, frontier.written[place + LOCATIONS_AHEAD]))
    location = location_at(&store.interner, frontier.written[place + VALUES_AHEAD])
    prefetch(location.committed.peek())  # only to prefetch it


cdef void measure_outcomes(Copying* copying, Part* part) noexcept nogil:
    cdef ExecutionResult result
    cdef int32_t index
    cdef uint64_t gas = 0, size = 0
    if copying.frontier.all_plain:
        return
    for index in range(part.first, part.end):
        result = frontier_outcome(copying.frontier, index)
        gas |= result.gas
        size += result.output_size
    part.sizes.output = size
    part.any_gas = gas != 0


cdef Summary look_up(Copying* copying, uint32_t place) noexcept nogil:
    """What became of a written location, from the location itself."""
    cdef const Location* location = location_at(&copying.store.interner, copying.frontier.written[place])
    cdef const Payload* value = location.committed.observe()
    cdef Summary summary
    summary.is_told = 0
    summary.is_changed = not same_payload(&copying.store.numbers, value, location.base.observe())
    summary.is_deleted = value.kind == PAYLOAD_ABSENT
    summary.key_size = 0
    summary.value_size = value.size if value.kind == PAYLOAD_VALUE else 0
    return summary


cdef uint32_t key_size_of(Copying* copying, uint32_t place, const Summary* summary) noexcept nogil:
    if summary.is_told:
        return summary.key_size
    return location_at(&copying.store.interner, copying.frontier.written[place]).key_size


cdef void measure_writes(Copying* copying, Part* part) noexcept nogil:
    cdef const Frontier* frontier = copying.frontier
    cdef Summary summary
    cdef uint32_t place, key_size
    cdef Sizes sizes = part.sizes  # what is written beside another worker's part is written once
    cdef bint uneven = False, any_deleted = False
    for place in range(part.written, part.written_end):
        summary = frontier.summary[place]
        if not summary.is_told or frontier_is_rewritten(frontier, frontier.written[place]):
            summary = look_up(copying, place)
        copying.kept[place] = summary.is_changed
        if not summary.is_changed:
            continue
        key_size = key_size_of(copying, place, &summary)
        sizes.writes += 1
        sizes.key += key_size
        sizes.value += summary.value_size
        uneven |= key_size != 8 or summary.value_size != 8
        any_deleted |= summary.is_deleted
    part.sizes = sizes
    part.uneven, part.any_deleted = uneven, any_deleted


cdef void copy_outcomes(Copying* copying, const Part* part) noexcept nogil:
    cdef ExecutionResult result
    cdef int32_t index
    cdef uint64_t end = part.sizes.output
    if copying.frontier.all_plain:
        memset(copying.statuses + part.first, 0, part.end - part.first)  # BLOCKSTM_SUCCESS
        return
    for index in range(part.first, part.end):
        if index + OUTPUTS_AHEAD < part.end and not copying.frontier.plain[index + OUTPUTS_AHEAD]:
            prefetch(copying.frontier.outcome[index + OUTPUTS_AHEAD].output)
        result = frontier_outcome(copying.frontier, index)
        copying.statuses[index] = <uint8_t>result.status
        if copying.gas != NULL:
            copying.gas[index] = result.gas
        if copying.ends == NULL:
            continue
        if result.output_size:
            memcpy(copying.output + end, result.output, result.output_size)
        end += result.output_size
        copying.ends[index] = end


cdef void copy_writes(Copying* copying, const Part* part) noexcept nogil:
    cdef Sizes at = part.sizes
    cdef const Location* location
    cdef const Payload* value
    cdef uint32_t place, size
    for place in range(part.written, part.written_end):
        prefetch_ahead(copying.store, copying.frontier, place)
        if not copying.kept[place]:
            continue
        location = location_at(&copying.store.interner, copying.frontier.written[place])
        value = location.committed.observe()
        size = value.size if value.kind == PAYLOAD_VALUE else 0
        memcpy(copying.key_bytes + at.key, location_key(location), location.key_size)
        memcpy(copying.value_bytes + at.value, payload_data(value), size)
        at.key += location.key_size
        at.value += size
        if copying.key_ends != NULL:
            copying.key_ends[at.writes] = at.key
            copying.value_ends[at.writes] = at.value
            copying.deleted[at.writes] = value.kind == PAYLOAD_ABSENT
        at.writes += 1


cdef void do_part(Copying* copying, Part* part, int32_t round) noexcept nogil:
    """Do a part, unless another worker has taken it. A worker that is late may find others in the next round."""
    cdef int32_t before = round - 1
    if part.taken.peek() != before or not part.taken.replace(before, round):
        return
    if round == MEASURE:
        measure_outcomes(copying, part)
        measure_writes(copying, part)
    else:
        copy_outcomes(copying, part)
        copy_writes(copying, part)
    copying.done.arrive()


cdef void do_round(Copying* copying, int32_t worker, int32_t round) noexcept nogil:
    cdef uint32_t place
    for place in range(copying.parts):
        if copying.part[place].worker == worker:
            do_part(copying, &copying.part[place], round)
    for place in range(copying.parts):
        do_part(copying, &copying.part[place], round)


cdef void relax(uint32_t* spins) noexcept nogil:
    spins[0] += 1
    if spins[0] > SPINS:
        thread_yield()
    cpu_relax()


cdef void await_parts(Copying* copying, uint32_t parts) noexcept nogil:
    cdef uint32_t spins = 0
    while copying.done.observe() != parts:
        relax(&spins)


cdef int32_t await_room(Copying* copying) noexcept nogil:
    cdef uint32_t spins = 0
    cdef int32_t ready = copying.ready.observe()
    while ready == 0:
        relax(&spins)
        ready = copying.ready.observe()
    return ready
