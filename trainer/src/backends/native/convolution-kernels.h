// Included by convolution-operations.cc once for each instruction set, inside a namespace of its own, with the
// width of a register, LANE_BYTES, and the size of a product's tile, TILE_ROWS and TILE_LANES: its sums
// and a line of the second factor fill the registers.

typedef float Lanes __attribute__((vector_size(LANE_BYTES), aligned(4), may_alias));
typedef int32_t Masks __attribute__((vector_size(LANE_BYTES)));
constexpr int64_t kLanes = LANE_BYTES / sizeof(float);
#define LANES(place) (*reinterpret_cast<Lanes*>(place))
#define CONST_LANES(place) (*reinterpret_cast<const Lanes*>(place))
#define INLINE inline __attribute__((always_inline))

INLINE int64_t Padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// The gradient before the activation, `count` values; beyond them, zeros to `padded`. Where the activation is
// closed it is 0, also of a gradient that is not a number.
void Mask(const float* gradient, const float* output, Activation activation, int64_t count,
          int64_t padded, float* masked) {
  const bool has_most = activation == Activation::kRelu6;
  const float most = MostOf(activation);
  int64_t i = 0;
  if (activation == Activation::kLinear) {
    std::memcpy(masked, gradient, count * sizeof(float));
    i = count;
  }
  for (; i + kLanes <= count; i += kLanes) {
    const Lanes y = CONST_LANES(output + i);
    Masks open = (Masks)(y > 0);
    if (has_most) open &= (Masks)(y < most);
    LANES(masked + i) = (Lanes)((Masks)CONST_LANES(gradient + i) & open);
  }
  for (; i < count; ++i) {
    masked[i] = output[i] > 0 && !(has_most && output[i] >= most) ? gradient[i] : 0;
  }
  for (; i < padded; ++i) masked[i] = 0;
}

// Adds what `groups` have summed, `count` values from `begin` on, times `scale`; a group's sums are `size`
// values.
void AddSums(const float* sums, int64_t groups, int64_t size, int64_t begin, int64_t count,
             const float* scale, float* to) {
  std::memset(to, 0, count * sizeof(float));
  for (int64_t group = 0; group < groups; ++group) {
    const float* from = sums + group * size + begin;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; ++i) to[i] += from[i] * scale[i];
  }
}

// A matrix whose value at row r and column c is at data[r * row + c * column].
struct Matrix {
  const float* data;
  int64_t row, column;
};

// c = start + a b, then the activation. The rows of b and c are whole registers, `columns` of them used.
struct Product {
  Matrix a, b;
  int64_t rows, columns, depth;
  // Null: zeros. With a row length of 0, a bias.
  const float* start;
  int64_t start_row;
  Activation activation;
  float* c;
  int64_t c_row;
};

// `rows` × `lanes` registers of sums, from `row` and `column` on.
template <int lanes, int rows>
INLINE void Tile(const Product& p, int64_t row, int64_t column) {
  Lanes sums[rows][lanes];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < lanes; ++j) {
      sums[i][j] = p.start == nullptr
                       ? Lanes{}
                       : CONST_LANES(p.start + (row + i) * p.start_row + column + j * kLanes);
    }
  }
  const float* x = p.a.data + row * p.a.row;
  const float* y = p.b.data + column;
  for (int64_t k = 0; k < p.depth; ++k, x += p.a.column, y += p.b.row) {
    Lanes line[lanes];
#pragma GCC unroll 16
    for (int j = 0; j < lanes; ++j) line[j] = CONST_LANES(y + j * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const float factor = x[i * p.a.row];
#pragma GCC unroll 16
      for (int j = 0; j < lanes; ++j) sums[i][j] += line[j] * factor;
    }
  }
  const Lanes least = {}, most = least + MostOf(p.activation);
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < lanes; ++j) {
      Lanes value = sums[i][j];
      if (p.activation != Activation::kLinear) {
        // In this order NaN stays NaN, so that a training that diverges is noticed.
        value = value < least ? least : value;
        value = value > most ? most : value;
      }
      LANES(p.c + (row + i) * p.c_row + column + j * kLanes) = value;
    }
  }
}

// As many tiles as fit below `row`.
template <int lanes, int rows>
INLINE int64_t Tiles(const Product& p, int64_t row, int64_t column) {
  for (; row + rows <= p.rows; row += rows) Tile<lanes, rows>(p, row, column);
  return row;
}

template <int lanes>
void Columns(const Product& p, int64_t column) {
  int64_t row = 0;
  // A narrow tile needs more rows, since a sum waits for the one before.
  if (lanes == 1) row = Tiles<1, 2 * TILE_ROWS>(p, row, column);
  row = Tiles<lanes, TILE_ROWS>(p, row, column);
  row = Tiles<lanes, TILE_ROWS / 2>(p, row, column);
  Tiles<lanes, 1>(p, row, column);
}

void Multiply(const Product& p) {
  for (int64_t at = 0, left = 0; at < p.columns; at += left * kLanes) {
    left = std::min<int64_t>(TILE_LANES, Padded(p.columns - at) / kLanes);
    const auto multiply = left == TILE_LANES ? Columns<TILE_LANES> : left == 2 ? Columns<2> : Columns<1>;
    multiply(p, at);
  }
}

// Rows of a pointwise convolution that stay in a core's cache with what is computed of them.
constexpr int64_t kRows = 128;

// Where a product puts `rows` rows of `count` values: at once, or first here where rows are not whole
// registers.
INLINE float* WholeRows(float* to, int64_t rows, int64_t count) {
  return count == Padded(count) ? to : Scratch(kWhole, rows * Padded(count));
}

INLINE void TakeRows(const float* whole, int64_t rows, int64_t count, float* to) {
  for (int64_t r = 0; whole != to && r < rows; ++r) {
    std::memcpy(to + r * count, whole + r * Padded(count), count * sizeof(float));
  }
}

// [in][out] times the scale of each filter, as [in][Padded(out)].
void Scale(const PointwiseCall& call, int64_t threads, float* scaled) {
  const int64_t out = call.out, out_row = Padded(out);
  graft::Threads::RunRanges(threads, call.in, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
#pragma GCC ivdep
      for (int64_t o = 0; o < out; ++o) {
        scaled[i * out_row + o] = call.filter[i * out + o] * call.scale[o];
      }
      for (int64_t o = out; o < out_row; ++o) scaled[i * out_row + o] = 0;
    }
  });
}

// The same as [out][Padded(in)].
void ScaleTransposed(const PointwiseCall& call, int64_t threads, float* scaled) {
  const int64_t in = call.in, out = call.out, in_row = Padded(in);
  graft::Threads::RunRanges(threads, out, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < in_row; ++i) {
      for (int64_t o = begin; o < end; ++o) {
        scaled[o * in_row + i] = i < in ? call.filter[i * out + o] * call.scale[o] : 0;
      }
    }
  });
}

void Pointwise(const PointwiseCall& call, const float* bias, float* output, int64_t threads) {
  const int64_t in = call.in, out = call.out, out_row = Padded(out);
  float* scaled = Scratch(kFilter, in * out_row);
  Scale(call, threads, scaled);
  float* start = Scratch(kSums, out_row);
  std::memcpy(start, bias, out * sizeof(float));
  const int64_t part = std::max<int64_t>(1, std::min(kRows, (call.rows + threads - 1) / threads));
  graft::Threads::RunRanges(threads, call.rows, part, [&](int64_t begin, int64_t end) {
    const int64_t rows = end - begin;
    float* to = output + begin * out;
    float* whole = WholeRows(to, rows, out);
    Multiply({{call.input + begin * in, in, 1}, {scaled, out_row, 1}, rows, out, in, start, 0,
              call.activation, whole, out_row});
    TakeRows(whole, rows, out, to);
  });
}

void PointwiseGradients(const PointwiseCall& call, const Gradients& gradients, int64_t threads) {
  const int64_t in = call.in, out = call.out, in_row = Padded(in), out_row = Padded(out);
  float* transposed = nullptr;
  if (gradients.by_input != nullptr) {
    transposed = Scratch(kFilter, out * in_row);
    ScaleTransposed(call, threads, transposed);
  }
  const Groups groups(call.rows, 32, threads);
  float* sums = Scratch(kSums, groups.count * in * out_row);
  graft::Threads::Run(threads, groups.count, [&](int64_t group) {
    const int64_t first = groups.Begin(group), last = groups.Begin(group + 1);
    float* sum = sums + group * in * out_row;
    if (first == last) std::memset(sum, 0, in * out_row * sizeof(float));
    for (int64_t begin = first; begin < last; begin += kRows) {
      const int64_t rows = std::min(kRows, last - begin);
      float* masked = Scratch(kMasked, rows * out_row);
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t from = (begin + r) * out;
        Mask(gradients.gradient + from, gradients.output + from, call.activation, out, out_row,
             masked + r * out_row);
      }
      Multiply({{call.input + begin * in, 1, in}, {masked, out_row, 1}, in, out, rows,
                begin > first ? sum : nullptr, out_row, Activation::kLinear, sum, out_row});
      if (transposed == nullptr) continue;
      float* to = gradients.by_input + begin * in;
      float* whole = WholeRows(to, rows, in);
      Multiply({{masked, out_row, 1}, {transposed, in_row, 1}, rows, in, out, nullptr, 0,
                Activation::kLinear, whole, in_row});
      TakeRows(whole, rows, in, to);
    }
  });
  graft::Threads::RunRanges(threads, in, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      AddSums(sums, groups.count, in * out_row, i * out_row, out, call.scale,
              gradients.by_filter + i * out);
    }
  });
}

// Channels are summed by whole registers, or one by one. These are types since a template that is given
// Lanes itself forgets that they may lie anywhere.
struct Whole {
  typedef Lanes Value;
};
struct Single {
  typedef float Value;
};

// The sums of `count` registers or channels.
template <typename Width, int count>
struct Sums {
  typedef typename Width::Value Value;
  static constexpr int64_t kStep = sizeof(Value) / sizeof(float);
  Value values[count];

  static INLINE const Value& At(const float* from, int j) {
    return *reinterpret_cast<const Value*>(from + j * kStep);
  }
  INLINE void Load(const float* from) {
#pragma GCC unroll 16
    for (int j = 0; j < count; ++j) values[j] = At(from, j);
  }
  INLINE void AddProduct(const float* a, const float* b) {
#pragma GCC unroll 16
    for (int j = 0; j < count; ++j) values[j] += At(a, j) * At(b, j);
  }
  INLINE void Store(float* to) const {
#pragma GCC unroll 16
    for (int j = 0; j < count; ++j) *reinterpret_cast<Value*>(to + j * kStep) = values[j];
  }
};

// The gradients of some channels of an image, from `channel` on; that by the filter is added to `sums`.
template <typename Width, int count>
void DepthwiseChannels(const DepthwiseCall& call, const float* image, const float* masked,
                       const float* scaled, int64_t channel, float* by_image, float* sums) {
  const Axis &rows = call.rows, &columns = call.columns;
  const int64_t channels = call.channels;
  for (int64_t out_y = 0; out_y < rows.out; ++out_y) {
    for (int64_t tap_y = 0; tap_y < rows.taps; ++tap_y) {
      const int64_t y = rows.InputOf(out_y, tap_y);
      if (y < 0 || y >= rows.in) continue;
      for (int64_t tap_x = 0; tap_x < columns.taps; ++tap_x) {
        const Range places = columns.OutputsOf(tap_x);
        const float* x = image + channel + y * columns.in * channels;
        const float* dy = masked + channel + out_y * columns.out * channels;
        float* to = sums + (tap_y * columns.taps + tap_x) * channels + channel;
        Sums<Width, count> sum;
        sum.Load(to);
        for (int64_t out_x = places.begin; out_x < places.end; ++out_x) {
          sum.AddProduct(x + columns.InputOf(out_x, tap_x) * channels, dy + out_x * channels);
        }
        sum.Store(to);
      }
    }
  }
  if (by_image == nullptr) return;
  for (int64_t y = 0; y < rows.in; ++y) {
    const Reach& down = call.down[y];
    for (int64_t x = 0; x < columns.in; ++x) {
      const Reach& right = call.right[x];
      Sums<Width, count> sum = {};
      const float* dy_row = masked + channel + (down.output * columns.out + right.output) * channels;
      const float* filter_row =
          scaled + channel + (down.tap * columns.taps + right.tap) * channels;
      for (int64_t r = 0; r < down.count; ++r) {
        const float* dy = dy_row;
        const float* filter = filter_row;
        for (int64_t c = 0; c < right.count; ++c) {
          sum.AddProduct(dy, filter);
          dy -= channels;
          filter += columns.stride * channels;
        }
        dy_row -= columns.out * channels;
        filter_row += rows.stride * columns.taps * channels;
      }
      sum.Store(by_image + (y * columns.in + x) * channels + channel);
    }
  }
}

void DepthwiseImage(const DepthwiseCall& call, const Gradients& gradients, const float* scaled,
                    int64_t image, float* sums) {
  const int64_t channels = call.channels;
  const int64_t in = call.rows.in * call.columns.in * channels;
  const int64_t out = call.rows.out * call.columns.out * channels;
  float* masked = Scratch(kMasked, out);
  Mask(gradients.gradient + image * out, gradients.output + image * out, call.activation, out, out,
       masked);
  const float* x = call.input + image * in;
  float* by_image = gradients.by_input == nullptr ? nullptr : gradients.by_input + image * in;
  int64_t channel = 0;
  for (; channel + 4 * kLanes <= channels; channel += 4 * kLanes) {
    DepthwiseChannels<Whole, 4>(call, x, masked, scaled, channel, by_image, sums);
  }
  for (; channel + 2 * kLanes <= channels; channel += 2 * kLanes) {
    DepthwiseChannels<Whole, 2>(call, x, masked, scaled, channel, by_image, sums);
  }
  for (; channel + kLanes <= channels; channel += kLanes) {
    DepthwiseChannels<Whole, 1>(call, x, masked, scaled, channel, by_image, sums);
  }
  for (; channel < channels; ++channel) {
    DepthwiseChannels<Single, 1>(call, x, masked, scaled, channel, by_image, sums);
  }
}

void DepthwiseGradients(const DepthwiseCall& call, const Gradients& gradients, int64_t threads) {
  const int64_t taps = call.rows.taps * call.columns.taps, channels = call.channels;
  float* scaled = Scratch(kFilter, taps * channels);
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* from = call.filter + tap * channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) scaled[tap * channels + c] = from[c] * call.scale[c];
  }
  const Groups groups(call.images, 1, threads);
  float* sums = Scratch(kSums, groups.count * taps * channels);
  std::memset(sums, 0, groups.count * taps * channels * sizeof(float));
  graft::Threads::Run(threads, groups.count, [&](int64_t group) {
    for (int64_t image = groups.Begin(group); image < groups.Begin(group + 1); ++image) {
      DepthwiseImage(call, gradients, scaled, image, sums + group * taps * channels);
    }
  });
  for (int64_t tap = 0; tap < taps; ++tap) {
    AddSums(sums, groups.count, taps * channels, tap * channels, channels, call.scale,
            gradients.by_filter + tap * channels);
  }
}

#undef LANES
#undef CONST_LANES
#undef INLINE
#undef LANE_BYTES
#undef TILE_ROWS
#undef TILE_LANES
