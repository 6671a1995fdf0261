export {
  BackendError,
  NativeInstallError,
  OutOfMemoryError,
  type ErrorParts,
  type NativeInstallCode,
} from "./backend-error";
export { BACKEND_ORDER, type BackendName } from "./candidates";
export { asOutOfMemory, withOutOfMemory, type AllocationContext } from "./out-of-memory";
export { selectBackend, type BackendChoice, type PassedOver, type SelectBackendOptions } from "./select-backend";
export {
  measureCurrentBackend,
  BENCH_PRODUCTS,
  type BackendMeasurement,
  type MeasureOptions,
  type ProductSpeed,
} from "./measure-backend";
export {
  installNative,
  type InstalledNative,
  type InstallNativeOptions,
  type InstallProgress,
  type InstallStep,
} from "./native/install-native";
export { uninstallNative, verifyNative, type NativeStatus } from "./native/native-status";
export { nativeInstallAvailable, type NativeAvailability } from "./native/preflight";
export { formatDoctor, runDoctor, type DoctorOptions, type DoctorReport, type NativeInstallSummary } from "./doctor";
export { inspectBackends, type BackendReport, type InspectOptions } from "./inspect-backends";
export { findNvidia, type NvidiaDevice, type NvidiaState } from "./native/nvidia";
export { DIFFERENTIABLE_KERNELS, registerGradients } from "./gradients/register-gradients";
export { linkTfjsNode } from "./native/link-tfjs-node";
export { installNodeShims } from "./node-shims";
