/** Where things lie in the folder, as its configuration names them. */
export const FOLDER_PATHS = { model: "model", train: "data/train.parquet", eval: "data/held-out.parquet" } as const;
