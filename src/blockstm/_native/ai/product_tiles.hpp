// A product in tiles that stay in registers, for kernels whose vectors add up the products of groups: 32 bits of the
// left side, in all lanes, with 32 bits of each lane's column. To be included where the compiler may use the
// instructions of `Lanes`, which says what a group is:
//
//   Vector, COUNT (lanes), GROUP (numbers in 32 bits), ROWS (of a tile)
//   left_group, right_group (of up to GROUP numbers; behind the end the right one has zeros)
//   add_products, correction (what the left groups' form adds for these right ones), load, store, zero, broadcast
#pragma once

namespace blockstm::ai {
namespace {

template <class Lanes>
class Tiles {
    using Vector = typename Lanes::Vector;
    static constexpr uint64_t COUNT = Lanes::COUNT;
    static constexpr uint64_t GROUP = Lanes::GROUP;
    static constexpr int ROWS = Lanes::ROWS;
    static constexpr int PANELS = Lanes::PANELS;  // side by side in a tile
    static_assert(GROUPS_MAX >= DEPTH_BLOCK / GROUP && COLUMN_BLOCK % COUNT == 0);

public:
    static void multiply(const int8_t* left, const int8_t* right, int32_t* sums, ProductShape shape,
                         uint32_t* left_block, uint32_t* right_block) noexcept {
        for (uint64_t depth = 0; depth < shape.depth; depth += DEPTH_BLOCK) {
            for (uint64_t column = 0; column < shape.columns; column += COLUMN_BLOCK) {
                Tiles tiles{shape, std::min(DEPTH_BLOCK, shape.depth - depth),
                            std::min(COLUMN_BLOCK, shape.columns - column), left_block, right_block};
                tiles.pack_right(right + column * shape.depth + depth);
                for (uint64_t row = 0; row < shape.rows; row += ROW_BLOCK) {
                    const uint64_t rows = std::min(ROW_BLOCK, shape.rows - row);
                    tiles.pack_left(left + row * shape.depth + depth, rows);
                    tiles.add(sums + row * shape.columns + column, rows);
                }
            }
        }
    }

private:
    Tiles(ProductShape shape, uint64_t depth, uint64_t columns, uint32_t* left, uint32_t* right) noexcept
        : shape_(shape), depth_(depth), groups_((depth + GROUP - 1) / GROUP), columns_(columns),
          panels_((columns + COUNT - 1) / COUNT), left_(left), right_(right),
          corrections_(right_ + panels_ * groups_ * COUNT) {}

    // Columns become lanes: panels of COUNT columns, group by group.
    void pack_right(const int8_t* right) noexcept {
        for (uint64_t panel = 0; panel < panels_; ++panel) {
            uint32_t* target = right_ + panel * groups_ * COUNT;
            for (uint64_t lane = 0; lane < COUNT; ++lane) {
                const uint64_t column = panel * COUNT + lane;
                pack_column(column < columns_ ? right + column * shape_.depth : nullptr, target + lane);
            }
            Vector correction = Lanes::zero();
            for (uint64_t group = 0; group < groups_; ++group) {
                correction = Lanes::correction(correction, Lanes::load(target + group * COUNT));
            }
            Lanes::store(corrections_ + panel * COUNT, correction);
        }
    }

    void pack_column(const int8_t* column, uint32_t* target) noexcept {
        if (column == nullptr) {
            for (uint64_t group = 0; group < groups_; ++group) target[group * COUNT] = 0;
            return;
        }
        const uint64_t whole = depth_ / GROUP;
        for (uint64_t group = 0; group < whole; ++group) {
            target[group * COUNT] = Lanes::right_group(column + group * GROUP, GROUP);
        }
        if (whole < groups_) target[whole * COUNT] = Lanes::right_group(column + whole * GROUP, depth_ % GROUP);
    }

    void pack_left(const int8_t* left, uint64_t rows) noexcept {
        const uint64_t whole = depth_ / GROUP;
        for (uint64_t row = 0; row < rows; ++row) {
            const int8_t* from = left + row * shape_.depth;
            uint32_t* to = left_ + row * groups_;
            for (uint64_t group = 0; group < whole; ++group) to[group] = Lanes::left_group(from + group * GROUP, GROUP);
            if (whole < groups_) to[whole] = Lanes::left_group(from + whole * GROUP, depth_ % GROUP);
        }
    }

    void add(int32_t* sums, uint64_t rows) const noexcept {
        for (uint64_t panel = 0; panel < panels_; panel += PANELS) {
            const uint64_t panels = std::min<uint64_t>(PANELS, panels_ - panel);
            for (uint64_t row = 0; row < rows; row += ROWS) {
                add_rows<ROWS>(std::min<uint64_t>(ROWS, rows - row), panels, panel, row, sums);
            }
        }
    }

    // Finds the tile that was compiled for so many rows and panels.
    template <int rows>
    void add_rows(uint64_t wanted, uint64_t panels, uint64_t panel, uint64_t row, int32_t* sums) const noexcept {
        if constexpr (rows > 1) {
            if (wanted != rows) return add_rows<rows - 1>(wanted, panels, panel, row, sums);
        }
        add_panels<rows, PANELS>(panels, panel, row, sums);
    }

    template <int rows, int panels>
    void add_panels(uint64_t wanted, uint64_t panel, uint64_t row, int32_t* sums) const noexcept {
        if constexpr (panels > 1) {
            if (wanted != panels) return add_panels<rows, panels - 1>(wanted, panel, row, sums);
        }
        add_tile<rows, panels>(panel, row, sums);
    }

    // What is written out for each row and panel, and not as loops, gcc keeps in registers.
    template <int count, class Each>
    [[gnu::always_inline]] static void times(Each each) noexcept {
        [&]<int... number>(std::integer_sequence<int, number...>) __attribute__((always_inline)) {
            (each(std::integral_constant<int, number>{}), ...);
        }(std::make_integer_sequence<int, count>{});
    }

    template <int rows, int panels>
    [[gnu::noinline]] void add_tile(uint64_t panel, uint64_t row, int32_t* sums) const noexcept {
        Vector tile[rows * panels];
        const uint64_t groups = groups_;
        const uint32_t* left = left_ + row * groups;
        const uint32_t* right = right_ + panel * groups * COUNT;
        times<rows * panels>([&](auto at) __attribute__((always_inline)) {
            tile[at] = Lanes::load(corrections_ + (panel + at % panels) * COUNT);
        });
        for (uint64_t group = 0; group < groups; ++group, ++left, right += COUNT) {
            Vector columns[panels];
            times<panels>([&](auto p) __attribute__((always_inline)) {
                columns[p] = Lanes::load(right + p * groups * COUNT);
            });
            times<rows>([&](auto r) __attribute__((always_inline)) {
                const Vector number = Lanes::broadcast(left[r * groups]);
                times<panels>([&](auto p) __attribute__((always_inline)) {
                    tile[r * panels + p] = Lanes::add_products(tile[r * panels + p], number, columns[p]);
                });
            });
        }
        times<rows * panels>([&](auto at) __attribute__((always_inline)) {
            const uint64_t column = (panel + at % panels) * COUNT;
            Lanes::add_to(sums + (row + at / panels) * shape_.columns + column, tile[at], columns_ - column);
        });
    }

    ProductShape shape_;
    uint64_t depth_, groups_, columns_, panels_;
    uint32_t* left_;
    uint32_t* right_;
    uint32_t* corrections_;
};

}  // namespace
}  // namespace blockstm::ai
