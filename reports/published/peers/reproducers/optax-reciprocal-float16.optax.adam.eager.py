"""optax.adam.eager: Where 1 - beta2^t is below 1.53e-5, in float16 v̂ is infinite and w stays: XLA on the CPU divides an array by a scalar through its reciprocal, which overflows.

optax ==0.2.8. To be run by the python of an environment that tox -e peer-optax makes. Exits with 1 where expected and got differ."""
import jax
import jax.numpy as jnp
import numpy as np
import optax

lr, beta1, beta2, eps, t = 0.0001, 0.3, 0.99999, 1e-06, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 1.0)
optimizer = optax.adam(lr, beta1, beta2, eps)
params = [jnp.asarray(w, "float16")]
start, *rest = optimizer.init(params)
state = (start._replace(mu=[jnp.asarray(m, "float16")], nu=[jnp.asarray(v, "float16")]), *rest)
update = optimizer.update
updates, state = update([jnp.asarray(values, "float16")], state, params)
params = optax.apply_updates(params, updates)
got = [np.asarray(x[0]).astype(float) for x in (params, state[0].mu, state[0].nu)]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.6e-06, 0.0013, 1.3e-07)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
