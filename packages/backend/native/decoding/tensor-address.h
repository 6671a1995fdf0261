/*
 * An op of TensorFlow's, VTriuneAddress(x: float) -> int32 [2], that says where a tensor's numbers lie: the lower and the
 * upper half of the address. So decoding reads the weights that training holds, without a copy of its own. The library is
 * in the process already; its C functions (tensorflow/c/kernels.h, ops.h) are found by name.
 */
#ifndef V_TRIUNE_TENSOR_ADDRESS_H
#define V_TRIUNE_TENSOR_ADDRESS_H
#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#define TF_INT32 3

static struct {
  void *(*new_status)(void);
  int (*code)(const void *status);
  void (*delete_status)(void *status);
  void *(*new_definition)(const char *name);
  void (*add_input)(void *definition, const char *text);
  void (*add_output)(void *definition, const char *text);
  void (*register_op)(void *definition, void *status);
  void *(*new_kernel)(const char *op, const char *device, void *(*create)(void *), void (*compute)(void *, void *),
                      void (*destroy)(void *));
  void (*register_kernel)(const char *name, void *builder, void *status);
  void (*get_input)(void *context, int index, void **tensor, void *status);
  void *(*allocate_output)(void *context, int index, int dtype, const int64_t *dims, int rank, size_t bytes, void *status);
  void *(*data)(const void *tensor);
  void (*delete_tensor)(void *tensor);
} tensorflow;

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
  void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return "TensorFlow's library is not loaded";
#define FIND(field, name) \
  if (!(*(void **)&tensorflow.field = dlsym(handle, name))) return name " is missing in TensorFlow's library"
  FIND(new_status, "TF_NewStatus");
  FIND(code, "TF_GetCode");
  FIND(delete_status, "TF_DeleteStatus");
  FIND(new_definition, "TF_NewOpDefinitionBuilder");
  FIND(add_input, "TF_OpDefinitionBuilderAddInput");
  FIND(add_output, "TF_OpDefinitionBuilderAddOutput");
  FIND(register_op, "TF_RegisterOpDefinition");
  FIND(new_kernel, "TF_NewKernelBuilder");
  FIND(register_kernel, "TF_RegisterKernelBuilder");
  FIND(get_input, "TF_GetInput");
  FIND(allocate_output, "TF_AllocateOutput");
  FIND(data, "TF_TensorData");
  FIND(delete_tensor, "TF_DeleteTensor");
#undef FIND
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
