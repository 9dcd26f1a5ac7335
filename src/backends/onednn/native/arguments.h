// Exports the addon's functions: a function's own signature says what JavaScript must pass. Only shapes are copied.
#pragma once
#include <napi.h>
#include <array>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include "kernels.h"

/** The memory of a typed array. */
template <class T> struct Array {
  T* data;
  size_t length;
  operator T*() const { return data; }
};
using Floats = Array<float>;

/** A Float32Array, or a Uint16Array of bfloat16 values. */
struct Activation {
  Values values;
  size_t length;
  operator Values() const { return values; }
};
using OptionalActivation = std::optional<Activation>;
inline Values values_of(const OptionalActivation& a) { return a ? a->values : Values{nullptr, false}; }

/** A result: memory that becomes an ArrayBuffer and is freed with it. */
struct Memory {
  void* data;
  size_t bytes;
};

/** Throws unless each of the arrays has this length. */
template <class... Arrays> void require_length(size_t length, const Arrays&... arrays) {
  for (const size_t given : {arrays.length...})
    if (given != length)
      throw std::invalid_argument("an array of length " + std::to_string(given) + " instead of " +
                                  std::to_string(length));
}

/** Throws unless b, if there is one, has the length and the precision of a. */
inline void require_alike(const Activation& a, const OptionalActivation& b) {
  if (!b) return;
  require_length(a.length, *b);
  if (a.values.bf16 != b->values.bf16) throw std::invalid_argument("activations of different precisions");
}

/** How many rows of `columns` values there are in `length`; throws if the last one is incomplete. */
inline size_t rows_of(size_t length, size_t columns) {
  if (columns == 0 || length % columns != 0)
    throw std::invalid_argument(std::to_string(length) + " values do not make rows of " + std::to_string(columns));
  return length / columns;
}

/** An argument as a T; throws a std::invalid_argument that names what is needed. */
template <class T> struct Take;

template <> struct Take<bool> {
  static bool from(const Napi::Value& value) {
    if (!value.IsBoolean()) throw std::invalid_argument("a boolean");
    return value.As<Napi::Boolean>().Value();
  }
};

template <> struct Take<double> {
  static double from(const Napi::Value& value) {
    if (!value.IsNumber()) throw std::invalid_argument("a number");
    return value.As<Napi::Number>().DoubleValue();
  }
};

template <> struct Take<float> {
  static float from(const Napi::Value& value) { return float(Take<double>::from(value)); }
};

template <> struct Take<size_t> {
  static size_t from(const Napi::Value& value) {
    const double number = Take<double>::from(value);
    if (!(number >= 0 && number <= 9007199254740991 && number == double(size_t(number))))
      throw std::invalid_argument("a whole number");
    return size_t(number);
  }
};

template <> struct Take<int> {
  static int from(const Napi::Value& value) {
    const size_t number = Take<size_t>::from(value);
    if (number > INT32_MAX) throw std::invalid_argument("a whole number below 2^31");
    return int(number);
  }
};

struct TypedArray {
  napi_typedarray_type type = napi_typedarray_type(-1);
  size_t length = 0;
  void* data = nullptr;
  explicit TypedArray(const Napi::Value& value) {
    if (value.IsTypedArray()) napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr);
  }
};

template <class T> struct Element;
template <napi_typedarray_type Type> struct ElementOf { static constexpr napi_typedarray_type type = Type; };
template <> struct Element<float> : ElementOf<napi_float32_array> { static constexpr auto name = "a Float32Array"; };
template <> struct Element<double> : ElementOf<napi_float64_array> { static constexpr auto name = "a Float64Array"; };
template <> struct Element<int32_t> : ElementOf<napi_int32_array> { static constexpr auto name = "an Int32Array"; };
template <> struct Element<uint16_t> : ElementOf<napi_uint16_array> { static constexpr auto name = "a Uint16Array"; };
template <> struct Element<uint8_t> : ElementOf<napi_uint8_array> { static constexpr auto name = "a Uint8Array"; };

template <class T> struct Take<Array<T>> {
  static Array<T> from(const Napi::Value& value) {
    const TypedArray array(value);
    if (array.type != Element<T>::type) throw std::invalid_argument(Element<T>::name);
    return {static_cast<T*>(array.data), array.length};
  }
};

template <> struct Take<Activation> {
  static Activation from(const Napi::Value& value) {
    const TypedArray array(value);
    const bool bf16 = array.type == napi_uint16_array;
    if (!bf16 && array.type != napi_float32_array) throw std::invalid_argument("a Float32Array or Uint16Array");
    return {{array.data, bf16}, array.length};
  }
};

/** An Int32Array of a fixed length, copied. */
template <size_t count> struct Take<std::array<int32_t, count>> {
  static std::array<int32_t, count> from(const Napi::Value& value) {
    const auto given = Take<Array<int32_t>>::from(value);
    require_length(count, given);
    std::array<int32_t, count> numbers;
    std::memcpy(numbers.data(), given.data, sizeof numbers);
    return numbers;
  }
};

/** undefined becomes nullopt. */
template <class T> struct Take<std::optional<T>> {
  static std::optional<T> from(const Napi::Value& value) {
    return value.IsUndefined() ? std::nullopt : std::optional<T>(Take<T>::from(value));
  }
};

/** A JavaScript array of Ts. */
template <class T> struct Take<std::vector<T>> {
  static std::vector<T> from(const Napi::Value& value) {
    if (!value.IsArray()) throw std::invalid_argument("a list");
    const auto list = value.As<Napi::Array>();
    std::vector<T> all;
    for (uint32_t i = 0; i < list.Length(); i++) all.push_back(Take<T>::from(list.Get(i)));
    return all;
  }
};

inline Napi::Value give(Napi::Env env, const Memory& m) {
  return Napi::ArrayBuffer::New(env, m.data, m.bytes, [](Napi::Env, void* data) { std::free(data); });
}

inline Napi::Value give(Napi::Env env, int number) { return Napi::Number::New(env, number); }

inline Napi::Value give(Napi::Env env, bool truth) { return Napi::Boolean::New(env, truth); }

template <class T> T take(const Napi::CallbackInfo& info, size_t index) {
  try {
    return Take<T>::from(info[index]);
  } catch (const std::invalid_argument& needed) {
    throw std::invalid_argument("argument " + std::to_string(index + 1) + " must be " + needed.what());
  }
}

/** Converts the arguments to the types of the function's parameters, in their order, and calls it. */
template <class Result, class... Parameters, size_t... index>
Napi::Value call(Result (*function)(Parameters...), const Napi::CallbackInfo& info, std::index_sequence<index...>) {
  constexpr size_t count = sizeof...(Parameters);
  if (info.Length() != count)
    throw std::invalid_argument(std::to_string(info.Length()) + " arguments instead of " + std::to_string(count));
  // Braces: the order of evaluation is unspecified for a function's arguments, defined for a list.
  std::tuple<std::decay_t<Parameters>...> arguments{take<std::decay_t<Parameters>>(info, index)...};
  if constexpr (std::is_void_v<Result>) {
    function(std::get<index>(arguments)...);
    return info.Env().Undefined();
  } else {
    return give(info.Env(), function(std::get<index>(arguments)...));
  }
}

template <class Result, class... Parameters>
Napi::Value call(Result (*function)(Parameters...), const Napi::CallbackInfo& info) {
  return call(function, info, std::index_sequence_for<Parameters...>());
}

/** Makes the function callable as `name`. It throws a TypeError for wrong arguments, a RangeError if out of memory. */
template <auto function> void export_as(Napi::Object& exports, const char* name) {
  const auto guarded = [](const Napi::CallbackInfo& info) -> Napi::Value {
    const std::string name = static_cast<const char*>(info.Data());
    try {
      return call(function, info);
    } catch (const std::invalid_argument& error) {
      throw Napi::TypeError::New(info.Env(), name + ": " + error.what());
    } catch (const std::bad_alloc& error) {
      throw Napi::RangeError::New(info.Env(), error.what());
    }
  };
  exports.Set(name, Napi::Function::New(exports.Env(), guarded, name, const_cast<char*>(name)));
}

/** Defined in layers.cc and training.cc. */
void export_layers(Napi::Object& exports);
void export_training(Napi::Object& exports);
