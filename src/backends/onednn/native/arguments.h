// The arguments of a call from JavaScript, and how a function over them is exported.
#pragma once
#include <napi.h>
#include <new>
#include <type_traits>
#include "kernels.h"

/** Takes a call's arguments one after the other. Every array comes already checked and of the right length; nothing is copied. */
class Arguments {
 public:
  explicit Arguments(const Napi::CallbackInfo& info) : info_(info) {}

  Napi::Env env() const { return info_.Env(); }
  /** A Float32Array, or a Uint16Array of bfloat16 values, or undefined. */
  Values values() {
    const Napi::Value value = info_[next_++];
    if (!value.IsTypedArray()) return {nullptr, false};
    return {start(value), value.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array};
  }
  template <class T> T* array() { return static_cast<T*>(start(info_[next_++])); }
  float* floats() { return array<float>(); }
  /** Of the array taken last. */
  size_t length() const { return info_[next_ - 1].As<Napi::TypedArray>().ElementLength(); }
  double number() { return info_[next_++].As<Napi::Number>().DoubleValue(); }
  int integer() { return info_[next_++].As<Napi::Number>().Int32Value(); }
  bool flag() { return info_[next_++].As<Napi::Boolean>().Value(); }
  Napi::Array list() { return info_[next_++].As<Napi::Array>(); }

  static void* start(const Napi::Value& value) {
    const auto array = value.As<Napi::TypedArray>();
    return static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  }

 private:
  const Napi::CallbackInfo& info_;
  size_t next_ = 0;
};

/** Calls the function; what it throws becomes a JavaScript exception, a RangeError where memory does not suffice. */
template <auto function> Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    Arguments arguments(info);
    if constexpr (std::is_void_v<decltype(function(arguments))>) function(arguments);
    else return function(arguments);
  } catch (const std::bad_alloc& error) {
    throw Napi::RangeError::New(info.Env(), error.what());
  }
  return info.Env().Undefined();
}

template <auto function> void export_as(Napi::Object& exports, const char* name) {
  exports.Set(name, Napi::Function::New<guarded<function>>(exports.Env(), name));
}

/** In layers.cc and training.cc. */
void export_layers(Napi::Object& exports);
void export_training(Napi::Object& exports);
