/** Mean and standard deviation of ImageNet's red, green and blue, of pixels from 0 to 1. */
export const MEAN = [0.485, 0.456, 0.406] as const;
export const DEVIATION = [0.229, 0.224, 0.225] as const;
