/** Runs `work` for about `seconds` after a warm-up and gives how often a second it was done. */
export async function rate(work: () => unknown, seconds = 1.5): Promise<number> {
  const until = async (limit: number): Promise<number> => {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < limit * 1000) {
      for (let i = 0; i < 20; i++) {
        const value = work();
        if (value instanceof Promise) await value;
      }
      count += 20;
    }
    return count / ((performance.now() - start) / 1000);
  };
  await until(seconds / 3);
  return until(seconds);
}

export function line(name: string, value: string, note = ''): void {
  process.stdout.write(`${name.padEnd(46)} ${value.padStart(16)}  ${note}\n`);
}

export const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`;
export const percent = (part: number, whole: number): string =>
  `${Math.round((100 * part) / whole)} % of raw`;
export const times = (value: number): string => `${value.toFixed(2)} times`;
