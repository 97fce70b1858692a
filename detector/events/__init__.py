"""What happened before the camera, told by objects that are followed: visits, crossings, alarms."""
