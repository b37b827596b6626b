/** Rows in one statement: few enough for every engine's limit of parameters, many enough to be fast. */
const groupSize = 100;

/** Hands out `rows` in order, some at a time. */
export async function inGroups<T>(
  rows: readonly T[],
  action: (group: readonly T[]) => Promise<unknown>,
): Promise<void> {
  if (rows.length <= groupSize) {
    if (rows.length > 0) await action(rows);
    return;
  }
  for (let i = 0; i < rows.length; i += groupSize) await action(rows.slice(i, i + groupSize));
}
