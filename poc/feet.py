"""Where floor meets wall, and wall meets ceiling: the lines that place walls without any depth.

Everything is in the panorama of `poc.view`, in units of the camera's height: a wall with plan normal at azimuth ψ and
distance D is seen at azimuth φ at the horizontal distance ρ = D / cos(φ − ψ), and its foot at slope −1/ρ. So the *nearness*
s = 1/ρ of a wall is linear in (cos φ, sin φ), and a pixel of the photo is about the same step of s everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from poc.view import CEILING, DOOR, FLOOR, WALL, WINDOW, Panorama

DEEP = 4.0
"""Nearness of the nearest wall considered: a quarter of the camera's height away."""


@dataclass(frozen=True)
class Evidence:
    """Costs (nats) of a wall standing at each nearness, per azimuth: arrays k×n over `nearness` (k) and azimuth (n).

    foot: from the surfaces; depth: from the depth on wall pixels. wall_share: per azimuth, wall cells seen (in cells).
    """

    nearness: np.ndarray
    foot: np.ndarray
    depth: np.ndarray
    wall_cells: np.ndarray

    def at(self, s: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Costs `which` (k×n) along the curve s (n), linear between samples."""
        step = self.nearness[1] - self.nearness[0]
        x = np.clip((s - self.nearness[0]) / step, 0, len(self.nearness) - 1.001)
        i = x.astype(int)
        f = x - i
        cols = np.arange(len(s))
        return which[i, cols] * (1 - f) + which[i + 1, cols] * f


@dataclass(frozen=True)
class WallLine:
    """A wall in plan, units of the camera's height: normal azimuth psi (pointing from camera to wall), nearness e = 1/D
    with its sigma, columns (bool per azimuth) where it is what is seen, direct (bool per azimuth) where its foot is seen."""

    psi: float
    e: float
    sigma_e: float
    columns: np.ndarray
    direct: np.ndarray
    manhattan: bool

    def nearness(self, azimuth: np.ndarray) -> np.ndarray:
        return self.e * np.cos(azimuth - self.psi)


def gather_evidence(pan: Panorama, rho: np.ndarray | None, sigma_log: float, weight: float = 0.15) -> Evidence:
    """Foot and depth costs. rho: m×n horizontal distance by depth in camera heights (NaN where unknown)."""
    step = pan.slope[1] - pan.slope[0]
    nearness = np.arange(0.0, DEEP, step)
    wall = pan.p[..., WALL] + pan.p[..., DOOR] + pan.p[..., WINDOW]
    below = np.cumsum(-np.log(1 - 0.97 * np.clip(wall, 0, 1)) * pan.rows_px * weight, axis=0)
    above = np.cumsum((-np.log(1 - 0.97 * np.clip(pan.p[..., FLOOR], 0, 1)) * pan.rows_px * weight)[::-1], axis=0)[::-1]
    below = np.vstack([np.zeros((1, below.shape[1])), below])
    above = np.vstack([above, np.zeros((1, above.shape[1]))])
    edge = np.clip((-nearness - pan.slope[0]) / step + 0.5, 0, len(pan.slope) - 1e-3)
    i = edge.astype(int)
    f = (edge - i)[:, None]
    total = below + above
    foot = total[i] * (1 - f) + total[np.minimum(i + 1, len(total) - 1)] * f
    cells = (wall * pan.rows_px * (wall > 0.4)).sum(0)
    depth = np.zeros_like(foot) if rho is None else _depth_cost(pan, wall, rho, sigma_log, nearness, weight)
    return Evidence(nearness, foot - foot.min(0), depth, cells)


def _depth_cost(pan, wall, rho, sigma, nearness, weight):
    """Robust misfit of log distance, averaged over each column's wall cells and worth a few nats at most."""
    log_s = np.log(np.maximum(nearness, 0.02))
    bins = np.arange(np.log(0.02), np.log(DEEP) + 0.02, 0.02)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = -np.log(rho)
    ok = np.isfinite(value) & (wall > 0.4)
    k = np.clip(((value - bins[0]) / 0.02).round(), 0, len(bins) - 1)
    hist = np.zeros((len(bins), rho.shape[1]), np.float32)
    rows, cols = np.nonzero(ok)
    np.add.at(hist, (k[rows, cols].astype(int), cols), (wall * pan.rows_px)[rows, cols])
    reach = int(np.ceil(4 * sigma / 0.02))
    x = np.arange(-reach, reach + 1) * 0.02 / sigma
    kernel = 1.0 - 1.0 / (1.0 + 0.5 * x**2)
    near = cv2.filter2D(hist, -1, (1.0 - kernel)[:, None].astype(np.float32), borderType=cv2.BORDER_CONSTANT)
    total = hist.sum(0)
    cost = (total - near) * weight * 0.5
    index = np.clip(((log_s - bins[0]) / 0.02).round().astype(int), 0, len(bins) - 1)
    return cost[index]


def find_walls(pan: Panorama, ev: Evidence, angles: np.ndarray, *, most: int = 10) -> list[tuple[float, float]]:
    """Candidate walls (psi, e): greedy peaks of explained columns over the given normal azimuths."""
    total = ev.foot + ev.depth
    worth = np.clip(ev.wall_cells, 0, 40) / 40
    gain = np.maximum(0.0, 4.0 - total) * worth
    found = []
    grid = np.exp(np.arange(np.log(0.08), np.log(DEEP), 0.02))
    table = []
    for psi in angles:
        c = np.cos(pan.azimuth - psi)
        rows = [np.where(c > 0.05, ev.at(np.maximum(e * c, 0), gain), 0.0) for e in grid]
        table.append(np.stack(rows))
    table = np.stack(table)
    left = np.zeros(len(pan.azimuth))
    for _ in range(most):
        score = np.maximum(table - left, 0).sum(-1)
        a, b = np.unravel_index(np.argmax(score), score.shape)
        if score[a, b] < 8.0:
            break
        found.append((float(angles[a]), float(grid[b])))
        left = np.maximum(left, table[a, b])
    return found


def assign_columns(pan: Panorama, ev: Evidence, walls: list[tuple[float, float]], corner: float = 1.5,
                   jump: float = 6.0, blank: float = 3.5) -> np.ndarray:
    """Which wall each azimuth sees (index, -1 for none): Viterbi over columns. Changing walls is cheap where they meet."""
    n = len(pan.azimuth)
    s = np.stack([e * np.cos(pan.azimuth - psi) for psi, e in walls] + [np.zeros(n)])
    cost = np.stack([np.where(s[k] > 0.02, ev.at(np.maximum(s[k], 0), ev.foot + ev.depth), 30.0) for k in range(len(walls))]
                    + [np.full(n, blank)])
    best, back = cost[:, 0].copy(), np.zeros((len(cost), n), int)
    off = ~np.eye(len(cost), dtype=bool)
    for j in range(1, n):
        gap = np.abs(s[:, None, j] - s[None, :, j])
        move = np.where(off, corner + (jump - corner) * np.clip(gap / 0.06, 0, 1), 0.0)
        move[-1, :-1] = move[:-1, -1] = jump / 2
        total = best[:, None] + move
        back[:, j] = total.argmin(0)
        best = total.min(0) + cost[:, j]
    path = np.zeros(n, int)
    path[-1] = int(best.argmin())
    for j in range(n - 1, 0, -1):
        path[j - 1] = back[path[j], j]
    return np.where(path == len(walls), -1, path)


def foot_points(pan: Panorama, s: np.ndarray, reach: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Near the expected foot (nearness s per azimuth): (observed nearness, direct), the sub-cell crossing from floor to
    wall, and whether floor lies right below and wall right above. NaN where there is no crossing."""
    step = pan.slope[1] - pan.slope[0]
    n = len(pan.azimuth)
    wall = pan.p[..., WALL] + pan.p[..., DOOR] + pan.p[..., WINDOW]
    diff = pan.p[..., FLOOR] - wall
    centre = (-s - pan.slope[0]) / step
    offs = np.arange(-reach, reach + 1)
    rows = np.round(centre)[None, :].astype(int) + offs[:, None]
    inside = (rows >= 0) & (rows < len(pan.slope))
    rows = np.clip(rows, 0, len(pan.slope) - 1)
    cols = np.arange(n)[None, :]
    d = np.where(inside & pan.seen[rows, cols], diff[rows, cols], np.nan)
    out = np.full(n, np.nan)
    direct = np.zeros(n, bool)
    with np.errstate(invalid="ignore"):
        cross = (d[:-1] > 0) & (d[1:] <= 0)
        for j in np.flatnonzero(cross.any(0)):
            ks = np.flatnonzero(cross[:, j])
            k = ks[np.argmin(np.abs(offs[ks] + 0.5))]
            frac = d[k, j] / (d[k, j] - d[k + 1, j])
            out[j] = -(pan.slope[rows[k, j]] + frac * step)
            low, high = d[max(0, k - 3):k + 1, j], d[k + 1:k + 5, j]
            direct[j] = np.nanmax(low) > 0.4 and np.nanmin(high) < -0.4
    return out, direct
