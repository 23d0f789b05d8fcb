/** Writes whole numbers: `1,042`. */
export const whole = new Intl.NumberFormat("en");
