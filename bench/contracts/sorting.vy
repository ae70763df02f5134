# pragma version ~=0.4.3
"""
@title Sorting in memory
@notice Heap sort of 256 pseudo-random numbers, then an insertion sort of the first 64 shuffled again.
"""

COUNT: constant(uint256) = 256
FEW: constant(uint256) = 64


@external
def run(turns: uint256) -> uint256:
    """
    @return The medians of all rounds, mixed.
    """
    seed: uint256 = 88172645463325252
    result: uint256 = 0
    numbers: uint256[COUNT] = empty(uint256[COUNT])
    for turn: uint256 in range(turns, bound=100_000):
        for i: uint256 in range(COUNT):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
            numbers[i] = seed >> 33
        numbers = self._heap_sorted(numbers)
        for i: uint256 in range(1, COUNT):
            assert numbers[i - 1] <= numbers[i]
        result = ((result << 7) ^ numbers[COUNT // 2]) % 2 ** 128

        for i: uint256 in range(FEW):
            seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
            numbers[i] = seed >> 33
        for i: uint256 in range(1, FEW):
            number: uint256 = numbers[i]
            place: uint256 = i
            for step: uint256 in range(FEW):
                if place == 0 or numbers[place - 1] <= number:
                    break
                numbers[place] = numbers[place - 1]
                place -= 1
            numbers[place] = number
        result = ((result << 7) ^ numbers[FEW // 2]) % 2 ** 128
    return result


@internal
@pure
def _heap_sorted(numbers: uint256[COUNT]) -> uint256[COUNT]:
    heap: uint256[COUNT] = numbers
    for step: uint256 in range(2 * COUNT):
        # The first half of the steps builds the heap from below, the second empties it.
        root: uint256 = 0
        size: uint256 = COUNT
        number: uint256 = 0
        if step < COUNT:
            root = COUNT - 1 - step
            number = heap[root]
        else:
            size = 2 * COUNT - 1 - step
            number = heap[size]
            heap[size] = heap[0]
        for level: uint256 in range(9):
            child: uint256 = 2 * root + 1
            if child >= size:
                break
            if child + 1 < size and heap[child + 1] > heap[child]:
                child += 1
            if heap[child] <= number:
                break
            heap[root] = heap[child]
            root = child
        if size != 0:
            heap[root] = number
    return heap
