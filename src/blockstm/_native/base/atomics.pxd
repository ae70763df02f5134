"""Words that threads share. What each operation is for, and its memory order, stands in ``atomics.hpp``."""

cdef extern from "base/atomics.hpp" nogil:
    cdef cppclass Atomic "blockstm::Atomic"[T]:
        # One thread publishes, others observe.
        T observe() noexcept
        void publish(T) noexcept
        bint replace(T& seen, T) noexcept
        bint try_replace(T& seen, T) noexcept
        T add_flags(T) noexcept
        T remove_flags(T) noexcept
        void arrive() noexcept
        T leave() noexcept
        # Each of two threads writes a word and reads the other's.
        T read_in_order() noexcept
        void write_in_order(T) noexcept
        T exchange_in_order(T) noexcept
        T add_in_order(T) noexcept
        T subtract_in_order(T) noexcept
        bint replace_in_order(T& seen, T) noexcept
        bint try_replace_in_order(T& seen, T) noexcept
        # Something else orders it.
        T read_plain() noexcept
        void prepare(T) noexcept
        # It decides when, never what.
        T peek() noexcept
        void suggest(T) noexcept
        bint adjust(T& seen, T) noexcept
        # Numbers that are handed out.
        T count_up(T) noexcept
        T count_down(T) noexcept
