/*
 * An op of TensorFlow's, VTriuneAddress(x: float) -> int32 [2], that says where a tensor's numbers lie: the lower and the
 * upper half of the address. So decoding reads the weights that training holds, without a copy of its own.
 */
#ifndef V_TRIUNE_TENSOR_ADDRESS_H
#define V_TRIUNE_TENSOR_ADDRESS_H
#include <string.h>
#include "../shared/tensorflow.h"

#define TF_INT32 3

static void compute_address(void *kernel, void *context) {
  (void)kernel;
  void *status = tensorflow.new_status();
  void *input = NULL;
  tensorflow.get_input(context, 0, &input, status);
  if (tensorflow.code(status) == 0) {
    const int64_t dims[] = {2};
    void *output = tensorflow.allocate_output(context, 0, TF_INT32, dims, 1, 8, status);
    if (tensorflow.code(status) == 0) {
      uint64_t address = (uint64_t)(uintptr_t)tensorflow.data(input);
      const uint32_t halves[] = {(uint32_t)address, (uint32_t)(address >> 32)};
      memcpy(tensorflow.data(output), halves, sizeof halves);
      tensorflow.delete_tensor(output);
    }
    tensorflow.delete_tensor(input);
  }
  tensorflow.delete_status(status);
}

/* Registers the op in the process. NULL, or what is missing. */
static const char *register_address_op(const char *library) {
  const char *missing = find_functions(library);
  if (missing) return missing;
  void *status = tensorflow.new_status();
  void *definition = tensorflow.new_definition("VTriuneAddress");
  tensorflow.add_input(definition, "x: float");
  tensorflow.add_output(definition, "address: int32");
  tensorflow.register_op(definition, status);
  int failed = tensorflow.code(status);
  if (!failed) {
    void *kernel = tensorflow.new_kernel("VTriuneAddress", "CPU", NULL, compute_address, NULL);
    tensorflow.register_kernel("VTriuneAddress", kernel, status);
    failed = tensorflow.code(status);
  }
  tensorflow.delete_status(status);
  return failed ? "TensorFlow does not take the op VTriuneAddress" : NULL;
}

#endif
