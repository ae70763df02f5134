"""Large values written while workers share a block: each is an allocation of its own, so that those which
nothing points to any more are freed before the block's end.

A worker lists what it has allocated. Nobody frees while others may read: the workers leave the block first
(`Engine.reclaim`), so that only what is final is left to point at a piece. Then what is still wanted is
marked, and the rest is freed.

Threads: a list is its worker's own; marking and sweeping are for worker 0 while the others are out of the block.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from blockstm._native.base.atomics cimport Atomic

cdef enum:
    PIECE_MIN = 1024                # bytes; shorter values lie in the arena until the block's end
    RECLAIM_BYTES = 32 << 20        # a worker that has written so much asks for what is not wanted to be freed

cdef struct Piece:                  # its bytes follow
    Piece* next
    uint64_t marked

cdef struct Pieces:
    Piece* first
    uint64_t taken                  # bytes since the last sweep


cdef inline uint8_t* piece_bytes(Piece* piece) noexcept nogil:
    return <uint8_t*>piece + sizeof(Piece)


cdef inline uint8_t* pieces_take(Pieces* pieces, uint64_t size, Atomic[uint32_t]* reclaims) noexcept nogil:
    """``size`` bytes; NULL where memory has run out. Sets ``reclaims`` where much has been taken."""
    cdef Piece* piece = <Piece*>malloc(sizeof(Piece) + size)
    if piece == NULL:
        return NULL
    piece.next = pieces.first
    piece.marked = 0
    pieces.first = piece
    pieces.taken += size
    if pieces.taken > RECLAIM_BYTES:
        reclaims.suggest(1)
    return piece_bytes(piece)


cdef inline void piece_mark(uint8_t* data) noexcept nogil:
    """The next sweep leaves the piece that these are the bytes of."""
    (<Piece*>(data - sizeof(Piece))).marked = 1


cdef inline void pieces_sweep(Pieces* pieces) noexcept nogil:
    """Free what has not been marked since the last sweep."""
    cdef Piece** link = &pieces.first
    cdef Piece* piece
    while link[0] != NULL:
        piece = link[0]
        if piece.marked:
            piece.marked = 0
            link = &piece.next
        else:
            link[0] = piece.next
            free(piece)
    pieces.taken = 0


cdef inline void pieces_free(Pieces* pieces) noexcept nogil:
    """Free all of them."""
    cdef Piece* piece = pieces.first
    cdef Piece* following
    while piece != NULL:
        following = piece.next
        free(piece)
        piece = following
    pieces.first = NULL
    pieces.taken = 0
