package bench

import (
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Spread is a distribution of times in seconds.
type Spread struct {
	Mean float64 `json:"mean"`
	CI95 float64 `json:"ci95"` // half the 95 % confidence interval of the mean; 0 of fewer than two
	P50  float64 `json:"p50"`  // the quantiles are the nearest rank
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
}

// spread sorts x and describes it.
func spread(x []float64) Spread {
	if len(x) == 0 {
		return Spread{}
	}
	slices.Sort(x)
	rank := func(p float64) float64 { return stat.Quantile(p, stat.Empirical, x, nil) }
	return Spread{Mean: stat.Mean(x, nil), CI95: ci95(x), P50: rank(0.5), P95: rank(0.95), P99: rank(0.99), Max: x[len(x)-1]}
}

// meanStddev is the mean and the standard deviation of a sample; that of fewer
// than two is 0.
func meanStddev(x []float64) (mean, dev float64) {
	if len(x) < 2 {
		return stat.Mean(x, nil), 0
	}
	return stat.MeanStdDev(x, nil)
}

// ci95 is half the 95 % confidence interval of the mean of a sample (Student's
// t); 0 of fewer than two, which say nothing of it.
func ci95(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	t := distuv.StudentsT{Sigma: 1, Nu: float64(len(x) - 1)}.Quantile(0.975)
	return t * stat.StdErr(stat.StdDev(x, nil), float64(len(x)))
}
