/** Whether a process of any user on this machine has this pid. One of another user may not be asked, and is alive all the same. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
