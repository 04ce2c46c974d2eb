/** The floor of the profile: a program that tells when its first line ran. */
console.log(performance.timeOrigin + performance.now());
