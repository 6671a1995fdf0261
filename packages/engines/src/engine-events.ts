/** What an engine tells whoever runs it. */
export interface EngineEvents {
  /** No server answers; said once. */
  readonly onPause?: (message: string) => void;
  /** One is back; said once after each pause. */
  readonly onResume?: (message: string) => void;
  readonly onWarning?: (message: string) => void;
}
