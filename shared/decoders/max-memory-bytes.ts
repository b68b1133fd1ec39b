/**
 * What each decoder's memory may grow to: the program itself says so, and the budget of an image
 * cannot be more.
 */
export const maxMemoryBytes = 64 * 1024 * 1024;
