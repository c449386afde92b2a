/** Told from time to time; plaintext bytes. `totalBytes` is undefined where the size is not known. */
export type OnProgress = (progress: { readonly doneBytes: number; readonly totalBytes: number | undefined }) => void;
