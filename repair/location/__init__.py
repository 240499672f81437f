"""Fault-section location 故障定位: from signals to the section that is faulted."""
