export { BackendError, NativeInstallError, OutOfMemoryError, type NativeInstallCode } from "./backend-error";
export { BACKEND_ORDER, type BackendName } from "./backend-name";
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
} from "./install/install-native";
export { formatNativeStatus, uninstallNative, verifyNative, type NativeStatus } from "./install/native-status";
export { nativeInstallAvailable, type NativeAvailability } from "./install/preflight";
export { formatDoctor, runDoctor, type DoctorOptions, type DoctorReport, type NativeInstallSummary } from "./doctor";
export { inspectBackends, type BackendReport, type InspectOptions } from "./inspect-backends";
export { findNvidia, type NvidiaDevice, type NvidiaState } from "./native/nvidia";
export { DIFFERENTIABLE_KERNELS, registerGradients } from "./gradients/register-gradients";
export { linkTfjsNode } from "./install/link-tfjs-node";
export { installNodeShims } from "./node-shims";
