"""Speech emotion recognition with scikit-learn own tools."""
