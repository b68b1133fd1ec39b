/** @returns the result of `work`. @throws the error of `late`, where `work` takes longer */
export async function withTimeout<T>(
  timeoutMs: number,
  late: () => Error,
  work: () => Promise<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
