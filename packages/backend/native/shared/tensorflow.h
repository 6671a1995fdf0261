/*
 * What is used of TensorFlow's C functions for ops and kernels (tensorflow/c/kernels.h, ops.h). The library is in the
 * process already; they are found by name, so that no header is needed.
 */
#ifndef V_TRIUNE_TENSORFLOW_H
#define V_TRIUNE_TENSORFLOW_H
#include <dlfcn.h>
#include <stdint.h>

#define TF_FLOAT 1
#define TF_RESOURCE_EXHAUSTED 8

static struct {
  void *(*new_status)(void);
  int (*code)(const void *status);
  void (*set)(void *status, int code, const char *message);
  void (*delete_status)(void *status);
  void *(*new_definition)(const char *name);
  void (*add_attribute)(void *definition, const char *text);
  void (*add_input)(void *definition, const char *text);
  void (*add_output)(void *definition, const char *text);
  void (*register_op)(void *definition, void *status);
  void *(*new_kernel)(const char *op, const char *device, void *(*create)(void *), void (*compute)(void *, void *),
                      void (*destroy)(void *));
  void (*register_kernel)(const char *name, void *builder, void *status);
  int (*count_inputs)(void *context);
  void (*get_input)(void *context, int index, void **tensor, void *status);
  void *(*allocate_output)(void *context, int index, int dtype, const int64_t *dims, int rank, size_t bytes, void *status);
  void (*fail)(void *context, void *status);
  void *(*data)(const void *tensor);
  int (*rank)(const void *tensor);
  int64_t (*dim)(const void *tensor, int index);
  void (*delete_tensor)(void *tensor);
} tensorflow;

/* NULL, or what is missing. */
static const char *find_functions(const char *library) {
  void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (!handle) return "TensorFlow's library is not loaded";
#define FIND(field, name) \
  if (!(*(void **)&tensorflow.field = dlsym(handle, name))) return name " is missing in TensorFlow's library"
  FIND(new_status, "TF_NewStatus");
  FIND(code, "TF_GetCode");
  FIND(set, "TF_SetStatus");
  FIND(delete_status, "TF_DeleteStatus");
  FIND(new_definition, "TF_NewOpDefinitionBuilder");
  FIND(add_attribute, "TF_OpDefinitionBuilderAddAttr");
  FIND(add_input, "TF_OpDefinitionBuilderAddInput");
  FIND(add_output, "TF_OpDefinitionBuilderAddOutput");
  FIND(register_op, "TF_RegisterOpDefinition");
  FIND(new_kernel, "TF_NewKernelBuilder");
  FIND(register_kernel, "TF_RegisterKernelBuilder");
  FIND(count_inputs, "TF_NumInputs");
  FIND(get_input, "TF_GetInput");
  FIND(allocate_output, "TF_AllocateOutput");
  FIND(fail, "TF_OpKernelContext_Failure");
  FIND(data, "TF_TensorData");
  FIND(rank, "TF_NumDims");
  FIND(dim, "TF_Dim");
  FIND(delete_tensor, "TF_DeleteTensor");
#undef FIND
  return NULL;
}

#endif
