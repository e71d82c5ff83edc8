const width = 30;

export type ProgressBar = {
  show(done: number, total: number): void;
  /** Prints a line above the bar. */
  note(line: string): void;
  end(): void;
};

/** A bar in the terminal, on standard error. Where that is a file, it writes a line for each tenth instead. */
export function progressBar(what: string, out: NodeJS.WriteStream = process.stderr): ProgressBar {
  let shown = -1;
  let open = false;
  const clear = () => {
    if (open) out.write('\r\x1b[2K');
    open = false;
  };
  return {
    show(done, total) {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      const step = out.isTTY ? percent : percent - (percent % 10);
      if (step === shown) return;
      shown = step;
      const filled = Math.round((width * percent) / 100);
      const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
      const size = `${Math.round(done / 1024 / 1024)} of ${Math.round(total / 1024 / 1024)} MB`;
      if (!out.isTTY) out.write(`· ${what}: ${step} %\n`);
      else out.write(`\r\x1b[2K${what} ${bar} ${percent} %  ${size}`);
      open = out.isTTY;
    },
    note(line) {
      clear();
      out.write(`· ${line}\n`);
    },
    end: clear,
  };
}
