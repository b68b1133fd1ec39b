// Compiled in place of the package's tfjs_backend.cc, which it includes. The binding of tfjs-node
// passes an operation one string and one type an attribute, and TensorFlow's fused operations
// take lists of both.

#include <string>
#include <vector>

#include "tensorflow/c/eager/c_api.h"

namespace {

// What the operation does to the result, such as "BiasAdd,Relu6".
void SetString(TFE_Op* op, const char* name, const void* value, size_t length) {
  if (std::string(name) != "fused_ops") return TFE_OpSetAttrString(op, name, value, length);
  std::vector<const void*> values;
  std::vector<size_t> lengths;
  const char* begin = static_cast<const char*>(value);
  const char* end = begin + length;
  for (const char* at = begin; at <= end; ++at) {
    if (at != end && *at != ',') continue;
    values.push_back(begin);
    lengths.push_back(at - begin);
    begin = at + 1;
  }
  TFE_OpSetAttrStringList(op, name, values.data(), lengths.data(), values.size());
}

// The types of its further inputs; ours have one, the bias.
void SetType(TFE_Op* op, const char* name, TF_DataType value) {
  if (std::string(name) != "TArgs") return TFE_OpSetAttrType(op, name, value);
  TFE_OpSetAttrTypeList(op, name, &value, 1);
}

}  // namespace

#define TFE_OpSetAttrString SetString
#define TFE_OpSetAttrType SetType
#include "tfjs_backend.cc"
