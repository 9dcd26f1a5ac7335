// define(name, types, nodes, outputs): a TensorFlow function of recorded ops, which the binding's executeOp then calls
// by its name. Values are numbered: first the function's inputs, whose types are given, then the outputs of each node
// in turn. A node is { name, attributes: [{ name, type, value }], inputs: [value], outputs: count }. Throws
// TensorFlow's error.
#include <node_api.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/eager/c_api.h"

extern "C" TFE_Context* clr_context;

namespace {

template <auto Delete> struct Deleter {
  template <typename T> void operator()(T* pointer) const { Delete(pointer); }
};
using Status = std::unique_ptr<TF_Status, Deleter<TF_DeleteStatus>>;
using Graph = std::unique_ptr<TF_Graph, Deleter<TF_DeleteGraph>>;
using Function = std::unique_ptr<TF_Function, Deleter<TF_DeleteFunction>>;

void check(const Status& status) {
  if (TF_GetCode(status.get()) != TF_OK) throw std::runtime_error(TF_Message(status.get()));
}

/** Reads JavaScript values; throws if one has another type. */
struct Reader {
  napi_env env;

  void check(napi_status status) const {
    if (status != napi_ok) throw std::runtime_error("a node is malformed");
  }
  napi_value property(napi_value object, const char* name) const {
    napi_value value;
    check(napi_get_named_property(env, object, name, &value));
    return value;
  }
  bool isArray(napi_value value) const {
    bool is = false;
    check(napi_is_array(env, value, &is));
    return is;
  }
  std::vector<napi_value> elements(napi_value array) const {
    uint32_t length;
    check(napi_get_array_length(env, array, &length));
    std::vector<napi_value> values(length);
    for (uint32_t i = 0; i < length; i++) check(napi_get_element(env, array, i, &values[i]));
    return values;
  }
  int64_t integer(napi_value value) const {
    int64_t number;
    check(napi_get_value_int64(env, value, &number));
    return number;
  }
  std::vector<int64_t> integers(napi_value array) const {
    std::vector<int64_t> numbers;
    for (napi_value value : elements(array)) numbers.push_back(integer(value));
    return numbers;
  }
  double number(napi_value value) const {
    double number;
    check(napi_get_value_double(env, value, &number));
    return number;
  }
  bool flag(napi_value value) const {
    bool flag;
    check(napi_get_value_bool(env, value, &flag));
    return flag;
  }
  std::string text(napi_value value) const {
    size_t length;
    check(napi_get_value_string_utf8(env, value, nullptr, 0, &length));
    std::string text(length, '\0');
    check(napi_get_value_string_utf8(env, value, text.data(), length + 1, &length));
    return text;
  }
};

void setAttribute(const Reader& read, TF_OperationDescription* node, napi_value attribute) {
  std::string name = read.text(read.property(attribute, "name"));
  napi_value value = read.property(attribute, "value");
  auto type = static_cast<TF_AttrType>(read.integer(read.property(attribute, "type")));
  bool isList = read.isArray(value);
  if (type == TF_ATTR_STRING && !isList) {
    std::string text = read.text(value);
    TF_SetAttrString(node, name.c_str(), text.data(), text.size());
  } else if (type == TF_ATTR_INT && isList) {
    std::vector<int64_t> numbers = read.integers(value);
    TF_SetAttrIntList(node, name.c_str(), numbers.data(), static_cast<int>(numbers.size()));
  } else if (type == TF_ATTR_INT) {
    TF_SetAttrInt(node, name.c_str(), read.integer(value));
  } else if (type == TF_ATTR_FLOAT && !isList) {
    TF_SetAttrFloat(node, name.c_str(), static_cast<float>(read.number(value)));
  } else if (type == TF_ATTR_BOOL && !isList) {
    TF_SetAttrBool(node, name.c_str(), read.flag(value));
  } else if (type == TF_ATTR_TYPE && !isList) {
    TF_SetAttrType(node, name.c_str(), static_cast<TF_DataType>(read.integer(value)));
  } else {
    throw std::runtime_error("unsupported attribute type: " + name);
  }
}

/** Length of the list that an op (AddN, ConcatV2, Pack) takes as its first argument: its attribute N; 0: no list. */
size_t lengthOfList(const Reader& read, const std::vector<napi_value>& attributes) {
  for (napi_value attribute : attributes)
    if (read.text(read.property(attribute, "name")) == "N") return read.integer(read.property(attribute, "value"));
  return 0;
}

std::vector<TF_Output> valuesOf(const Reader& read, napi_value numbers, const std::vector<TF_Output>& values) {
  std::vector<TF_Output> chosen;
  for (int64_t number : read.integers(numbers)) chosen.push_back(values.at(number));
  return chosen;
}

void addNode(const Reader& read, TF_Graph* graph, napi_value node, std::vector<TF_Output>& values,
             const Status& status) {
  std::string name = "node" + std::to_string(values.size());
  TF_OperationDescription* made = TF_NewOperation(graph, read.text(read.property(node, "name")).c_str(), name.c_str());
  std::vector<TF_Output> inputs = valuesOf(read, read.property(node, "inputs"), values);
  std::vector<napi_value> attributes = read.elements(read.property(node, "attributes"));
  size_t list = lengthOfList(read, attributes);
  if (list > 0) TF_AddInputList(made, inputs.data(), static_cast<int>(list));
  for (size_t i = list; i < inputs.size(); i++) TF_AddInput(made, inputs[i]);
  for (napi_value attribute : attributes) setAttribute(read, made, attribute);
  TF_Operation* operation = TF_FinishOperation(made, status.get());
  check(status);
  int outputs = static_cast<int>(read.integer(read.property(node, "outputs")));
  for (int i = 0; i < outputs; i++) values.push_back({operation, i});
}

void define(const Reader& read, napi_value name, napi_value types, napi_value nodes, napi_value outputs) {
  Status status(TF_NewStatus());
  Graph graph(TF_NewGraph());
  std::vector<TF_Output> values;
  for (int64_t type : read.integers(types)) {
    std::string input = "input" + std::to_string(values.size());
    TF_OperationDescription* placeholder = TF_NewOperation(graph.get(), "Placeholder", input.c_str());
    TF_SetAttrType(placeholder, "dtype", static_cast<TF_DataType>(type));
    values.push_back({TF_FinishOperation(placeholder, status.get()), 0});
    check(status);
  }
  std::vector<TF_Output> inputs = values;
  for (napi_value node : read.elements(nodes)) addNode(read, graph.get(), node, values, status);
  std::vector<TF_Output> results = valuesOf(read, outputs, values);
  Function function(TF_GraphToFunction(graph.get(), read.text(name).c_str(), 0, -1, nullptr,
                                       static_cast<int>(inputs.size()), inputs.data(), static_cast<int>(results.size()),
                                       results.data(), nullptr, nullptr, nullptr, status.get()));
  check(status);
  TFE_ContextAddFunction(clr_context, function.get(), status.get());
  check(status);
}

napi_value defineFromArguments(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, nullptr, nullptr);
  try {
    define(Reader{env}, arguments[0], arguments[1], arguments[2], arguments[3]);
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "define", NAPI_AUTO_LENGTH, defineFromArguments, nullptr, &function);
  napi_set_named_property(env, exports, "define", function);
  return exports;
}
