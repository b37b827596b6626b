import type { CommonOptions } from './outcome.ts';

export interface ProgressBar {
  advance(count: number): void;
  end(): void;
}

const width = 30;
const refreshMs = 100;

/** A bar on standard error, on a terminal only. */
export function progressBar(total: number, options: CommonOptions): ProgressBar {
  const { stderr } = process;
  if (!stderr.isTTY || options.quiet || options.json) return { advance: () => {}, end: () => {} };
  const started = performance.now();
  let done = 0;
  let drawn = 0;
  const draw = (): void => {
    const now = performance.now();
    if (now - drawn < refreshMs && done < total) return;
    drawn = now;
    const share = total === 0 ? 1 : done / total;
    const full = Math.round(share * width);
    const rate = Math.round(done / Math.max((now - started) / 1000, 0.001));
    stderr.write(`\r[${'#'.repeat(full)}${' '.repeat(width - full)}] ${done}/${total}  ${rate}/s `);
  };
  return {
    advance(count) {
      done += count;
      draw();
    },
    end() {
      drawn = 0;
      draw();
      stderr.write('\n');
    },
  };
}
